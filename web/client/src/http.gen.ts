// Generated from schema/ by `make schema`; do not edit.

export interface paths {
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Login
         * @description Exchange a password for a token and a cookie. Attempts from one address are checked one at a time.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create Link
         * @description Create a code that signs in once within ten minutes, for the address `/#link=CODE` of the dashboard.
         *
         *     Needs the admin secret; a token is not sufficient.
         */
        post: operations["create_link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Use Link
         * @description Exchange the code of a sign-in link, which becomes invalid, or of a view link for a token and a cookie.
         */
        post: operations["use_link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume
         * @description Exchange the cookie of a session for a fresh token. Only pages of this server may do so.
         */
        post: operations["resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refresh
         * @description Exchange a valid token for a fresh one; a session ends after CASARE_SESSION_MAX_SECONDS.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Logout
         * @description End the session of the token: its tokens and tickets become invalid, and its connections are closed.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/view-links": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List View Links
         * @description The view links that are neither revoked nor expired, newest first, without their codes.
         */
        get: operations["list_view_links"];
        put?: never;
        /**
         * Create View Link
         * @description Create an address that signs browsers in for reading only, until it is revoked. 409 above 100 links.
         *
         *     Repeated with its Idempotency-Key within a day, the request creates no second link.
         */
        post: operations["create_view_link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/view-links/{link_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke View Link
         * @description Revoke a view link: its tokens and tickets become invalid, and the connections of its screens are closed.
         */
        delete: operations["revoke_view_link"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/ws-tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create Ticket
         * @description Create a ticket for one connection to one endpoint within 30 seconds.
         */
        post: operations["create_ticket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Order Jobs
         * @description Cancel or retry up to 1,000 jobs. With a filter, repeat it until `more` is false.
         *
         *     By ids, a retry that is repeated with its Idempotency-Key adds no further job.
         */
        post: operations["order_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/comparison": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Compare Job
         * @description The differences between a job and the last completed job of its workflow before its end, or the job `with`.
         *
         *     Compared are the parameters, the steps of the last attempts, and up to 2,000 log lines of each.
         */
        get: operations["compare_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Jobs
         * @description Jobs, newest first unless `sort` says otherwise. `next_cursor` is null on the last page.
         */
        get: operations["list_jobs"];
        put?: never;
        /**
         * Submit Job
         * @description Submit a job; it is durable when the response is sent. A repeated Idempotency-Key returns the first job.
         */
        post: operations["submit_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Submit Jobs
         * @description Submit up to 1,000 jobs: all of them, or none when one is refused. The response keeps their order.
         *
         *     An Idempotency-Key covers the whole batch.
         */
        post: operations["submit_jobs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export Jobs
         * @description All matching jobs as CSV, in the order of the list. The file is sent while it is read.
         */
        get: operations["export_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count Jobs
         * @description The number of matching jobs and of all jobs, each counted up to 10,000.
         */
        get: operations["count_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Job
         * @description One job. A pending job includes the reasons why it waits.
         */
        get: operations["get_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Job
         * @description Cancel a job: a waiting job ends at once, a running one when its robot confirms. 409 if it has ended.
         */
        post: operations["cancel_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry Job
         * @description Submit a copy of a job as a new job. The old job does not change. 409 if it has not ended.
         */
        post: operations["retry_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Logs
         * @description Log lines of the job, oldest first. `next_cursor` also continues with lines that are stored later.
         */
        get: operations["get_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/logs/download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download Logs
         * @description All log lines of the job as a text file, oldest first.
         */
        get: operations["download_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Events
         * @description The history of the job, oldest first: transition, time, principal, session and reason of each entry.
         */
        get: operations["get_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/jobs/{job_id}/steps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Steps
         * @description The steps of an attempt that its robot reported, by id: at most 10,000. Without `attempt`: the current one.
         *
         *     With `after`, a `revision` of an earlier response: only the steps that changed since.
         */
        get: operations["get_steps"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workflows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Workflows
         * @description Up to 200 workflows with at least one job, by name. Workflows without a job are known only to the robots.
         */
        get: operations["list_workflows"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/presets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Presets
         * @description The presets of a workflow, by name. Without `tenant_id`: of the own tenant, else of `default`.
         */
        get: operations["list_presets"];
        /**
         * Save Preset
         * @description Store a preset, or replace the one with its name. 409 when the workflow has 100 presets.
         */
        put: operations["save_preset"];
        post?: never;
        /**
         * Delete Preset
         * @description Delete a preset. Jobs that were submitted with it stay.
         */
        delete: operations["delete_preset"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search Logs
         * @description Log lines, newest first or (`asc`) oldest first. They arrived at or after `from` and before `to`.
         *
         *     `around` is the `log_id` of a line: half of the page is older than it, the rest begins with it. `next_cursor` then
         *     continues in `order`, and `previous_cursor` in the other order.
         *
         *     `q` is a part of the message, in upper or lower case. One request reads at most 20,000 lines, for at most 2 seconds.
         *     If there are more, `scanned_to` is the time of the last one read, and `next_cursor` continues from there; it is null
         *     at the end. Two searches of a principal run at a time.
         */
        get: operations["search_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Order Robots
         * @description Drain, resume or restart up to 1,000 robots.
         *
         *     A request may be repeated: a drained robot stays drained, and a restart that is not completed is one restart.
         */
        post: operations["order_robots"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Robots
         * @description All robots, or the robots that match all given filters.
         */
        get: operations["list_robots"];
        put?: never;
        /**
         * Create Robot
         * @description Create a robot. 409 if it exists.
         */
        post: operations["create_robot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/names": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Names
         * @description The names of all robots that have one, by robot id.
         */
        get: operations["list_names"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/beats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Beats
         * @description The last 60 heartbeats since the server started, oldest first, of up to 100 robots.
         *
         *     Without ids, of each robot that was seen within 24 hours. Unknown ids are left out.
         */
        get: operations["list_beats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/{robot_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Robot
         * @description One robot.
         */
        get: operations["get_robot"];
        put?: never;
        post?: never;
        /**
         * Remove Robot
         * @description Remove a robot and its keys, and close its connections. Its jobs and log lines stay.
         */
        delete: operations["remove_robot"];
        options?: never;
        head?: never;
        /**
         * Change Robot
         * @description Change the name, the tags or the number of slots; the next dispatch uses them.
         */
        patch: operations["change_robot"];
        trace?: never;
    };
    "/api/v1/robots/{robot_id}/beats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Beats
         * @description The last 60 heartbeats of a robot since the server started, oldest first.
         */
        get: operations["get_beats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/{robot_id}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drain Robot
         * @description Assign no new jobs to the robot; its current jobs continue. Survives restarts. A second drain changes nothing.
         */
        post: operations["drain_robot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/{robot_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume Robot
         * @description Assign jobs to the robot again.
         */
        post: operations["resume_robot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/{robot_id}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restart Robot
         * @description Restart the process of the robot after its jobs; kept for ten minutes if it is not connected.
         */
        post: operations["restart_robot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/{robot_id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Keys
         * @description The keys of a robot, without their secrets.
         */
        get: operations["list_keys"];
        put?: never;
        /**
         * Create Key
         * @description Create a key. Its text is shown only in this response, and for a day in repetitions with its Idempotency-Key.
         */
        post: operations["create_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/robots/{robot_id}/keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke Key
         * @description Revoke a key and close the connections that it opened.
         */
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Runs
         * @description The runs of all robots in the last `minutes` or between `from` and `to`: the open ones, then the newest.
         *
         *     Up to 5,000 of each. A job has one run: its last attempt. Runs that ended more than a day after `to` are left out.
         */
        get: operations["list_runs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Queues
         * @description All queues; `default` always exists.
         */
        get: operations["list_queues"];
        put?: never;
        /**
         * Create Queue
         * @description Create a queue. 409 if it exists.
         */
        post: operations["create_queue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Queue History
         * @description The depth of each queue in the last `minutes` or between `from` and `to`, oldest first.
         *
         *     A sample is taken every minute and kept for 8 days. With more than 60 samples, a point has the largest values of
         *     `bucket_seconds`.
         */
        get: operations["queue_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{queue}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause Queue
         * @description Assign no jobs of a queue until it is resumed; running jobs continue. A second pause changes nothing.
         */
        post: operations["pause_queue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/queues/{queue}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume Queue
         * @description Resume a queue; `*` resumes all.
         */
        post: operations["resume_queue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Tenants
         * @description The tenants that the credential may see.
         */
        get: operations["list_tenants"];
        put?: never;
        /**
         * Create Tenant
         * @description Create a tenant. 409 if it exists.
         */
        post: operations["create_tenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Overview
         * @description Robots and jobs by status, jobs ended in the last `minutes` or between `from` and `to`, and problems.
         *
         *     The most urgent problem is the first. Jobs are counted by whole minutes; these counts are kept for 8 days.
         */
        get: operations["overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/failures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Failures
         * @description Up to 50 groups of failures of the last `minutes` or between `from` and `to`, largest first.
         *
         *     `muted` selects the muted groups, or the others. Only the newest 10,000 failures are read.
         */
        get: operations["failures"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/failures/{fingerprint}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Failures
         * @description One group. Without `tenant_id`, it is the group of the newest failure with the fingerprint.
         */
        get: operations["get_failures"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Note Failures
         * @description Store a note and an owner of a group; a missing field stays as it is.
         */
        patch: operations["note_failures"];
        trace?: never;
    };
    "/api/v1/failures/{fingerprint}/mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mute Failures
         * @description Mute a group until a time, or until it is unmuted. Its failures are counted apart. A second mute replaces it.
         */
        post: operations["mute_failures"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/failures/{fingerprint}/unmute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unmute Failures
         * @description End the mute of a group. A group that is not muted stays as it is.
         */
        post: operations["unmute_failures"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Events
         * @description Changes of jobs after a position, each once and in order; with `Accept: text/event-stream` as they happen.
         *
         *     410: changes after the position are no longer stored. The error has `oldest`, the first position that is valid.
         */
        get: operations["list_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Audit
         * @description Audit entries, newest first: all, or those of one target, of some actions, or from `from` and before `to`.
         */
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/instances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Instances
         * @description The instances of the server, in the order of their names. For admins of all tenants.
         */
        get: operations["list_instances"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Live
         * @description The process runs and answers.
         */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Ready
         * @description The instance can work: the store commits or is shared with other instances, and no stop was requested.
         */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics
         * @description Prometheus metrics. Requests from another machine need the credential of an admin.
         */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Sessions
         * @description The sessions that are open, newest first.
         */
        get: operations["list_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End Session
         * @description End a session: its tokens and tickets become invalid, and its connections are closed.
         */
        delete: operations["end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** AllBeats */
        AllBeats: {
            /** Items */
            items: components["schemas"]["RobotBeats"][];
        };
        /**
         * AttentionView
         * @description A problem that needs attention. `kind` decides whether `target` is a job, a robot or a queue.
         */
        AttentionView: {
            kind: components["schemas"]["Trouble"];
            /** Message */
            message: string;
            /** Target */
            target: string;
            /** At */
            at: string;
        };
        /** AuditList */
        AuditList: {
            /** Items */
            items: components["schemas"]["AuditView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * AuditView
         * @description `target` is the job, robot, queue or tenant. `note` is the reason, or the id of the created object.
         */
        AuditView: {
            /** Audit Id */
            audit_id: number;
            /** At */
            at: string;
            /** By */
            by: string;
            /** Action */
            action: string;
            /** Target */
            target: string;
            /** Note */
            note: string;
        };
        /**
         * Availability
         * @description Whether a matching robot can take a job now, most available first.
         * @enum {string}
         */
        Availability: "idle" | "busy" | "draining" | "unresponsive" | "offline";
        /** BeatList */
        BeatList: {
            /** Beats */
            beats: components["schemas"]["BeatView"][];
        };
        /**
         * BeatView
         * @description One heartbeat. `status` is the computed status at that time.
         */
        BeatView: {
            /** At */
            at: string;
            status: components["schemas"]["RobotStatus"];
            /** Cpu Percent */
            cpu_percent: number;
            /** Memory Mb */
            memory_mb: number;
        };
        /**
         * BulkAction
         * @enum {string}
         */
        BulkAction: "cancel" | "retry";
        /**
         * BulkDone
         * @description The result of a bulk command. `refused` counts jobs in an unsuitable state.
         *
         *     `more`: further jobs match; repeat the request. Send `at` as the filter's `to` when you repeat a retry, because a
         *     retried job that failed again matches, too.
         */
        BulkDone: {
            /** Matched */
            matched: number;
            /** Done */
            done: number;
            /** Refused */
            refused: number;
            /** More */
            more: boolean;
            /** At */
            at: string;
        };
        /**
         * BulkFilter
         * @description The filters of the list of jobs. An unknown filter is refused, as ignoring it would match more jobs.
         */
        BulkFilter: {
            /** Status */
            status?: components["schemas"]["JobStatus"][] | null;
            /** Reason */
            reason?: components["schemas"]["Reason"][] | null;
            /** Robot Id */
            robot_id?: string | null;
            /** Workflow Id */
            workflow_id?: string | null;
            /** Queue */
            queue?: string | null;
            /** Tenant Id */
            tenant_id?: string | null;
            /** Fingerprint */
            fingerprint?: string | null;
            /** Q */
            q?: string | null;
            /** From */
            from?: string | null;
            /** To */
            to?: string | null;
            /** Finished From */
            finished_from?: string | null;
            /** Finished To */
            finished_to?: string | null;
        };
        /**
         * BulkOfFilter
         * @description Jobs by filter.
         *
         *     A cancel applies to matching open jobs without a cancel request. A retry applies to matching failed jobs (or jobs of
         *     the filter's `status`) that have not been retried.
         */
        BulkOfFilter: {
            action: components["schemas"]["BulkAction"];
            filter: components["schemas"]["BulkFilter"];
            /**
             * Reason
             * @default
             */
            reason?: string;
            /**
             * Dry Run
             * @description Only count the jobs, in `matched`; `more`: over a million match.
             * @default false
             */
            dry_run?: boolean;
            /**
             * Limit
             * @description The largest number of jobs that this request changes.
             * @default 1000
             */
            limit?: number;
        };
        /**
         * BulkOfIds
         * @description Jobs by id; duplicates count once.
         */
        BulkOfIds: {
            action: components["schemas"]["BulkAction"];
            /** Job Ids */
            job_ids: string[];
            /**
             * Reason
             * @default
             */
            reason?: string;
        };
        /**
         * CancelReceipt
         * @description The progress of a cancel.
         *
         *     `confirmed` is true if the robot reported the end, false if it did not answer and may still run the job, and null
         *     before the end.
         */
        CancelReceipt: {
            /** Requested At */
            requested_at: string;
            /** By */
            by: string | null;
            /** Reason */
            reason: string | null;
            /** Sent At */
            sent_at: string | null;
            /** Received At */
            received_at: string | null;
            /** Stopped At */
            stopped_at: string | null;
            /** Confirmed */
            confirmed: boolean | null;
        };
        /**
         * ChangeList
         * @description A page of changes in order.
         */
        ChangeList: {
            /** Items */
            items: components["schemas"]["ChangeView"][];
            /**
             * Next
             * @description The position after this page: store it, and send it as `since`.
             */
            next: string;
            /**
             * More
             * @description Whether further changes can be read at once.
             */
            more: boolean;
        };
        /**
         * ChangeView
         * @description A job as it was after a change. Parameters, result and error are in the job.
         */
        ChangeView: {
            /**
             * Position
             * @description The position after this change.
             */
            position: string;
            /**
             * Number
             * @description The number of the change. The next change has the next number.
             */
            number: number;
            /** At */
            at: string;
            /** Job Id */
            job_id: string;
            /** Workflow Id */
            workflow_id: string;
            /** Tenant Id */
            tenant_id: string;
            status: components["schemas"]["JobStatus"];
            reason: components["schemas"]["Reason"] | null;
            /** Attempt */
            attempt: number;
            /** Robot Id */
            robot_id: string | null;
            /** Progress */
            progress: number;
            /** Message */
            message: string | null;
            /**
             * Contact
             * @description `lost` while the robot of a claimed or running job is not connected.
             */
            contact: string | null;
            /**
             * Cancel
             * @description The stage of a requested cancel.
             */
            cancel: string | null;
            /**
             * Revision
             * @description Rises with each write of the job, also with one that is not in the feed.
             */
            revision: number;
        };
        /**
         * ComparedLines
         * @description The first lines that differ; null for a run whose log ended before. A difference in numbers and ids is none.
         */
        ComparedLines: {
            /**
             * Number
             * @description The number of the line in both logs, from 1.
             */
            number: number;
            run: components["schemas"]["LogView"] | null;
            other: components["schemas"]["LogView"] | null;
        };
        /**
         * ComparedParameter
         * @description JSON of a parameter in both runs, up to 500 characters; null for a run without it.
         */
        ComparedParameter: {
            /** Path */
            path: string;
            /** Run */
            run: string | null;
            /** Other */
            other: string | null;
        };
        /**
         * ComparedRun
         * @description The last attempt of a job. `waited_seconds` is the time until its start.
         */
        ComparedRun: {
            /** Job Id */
            job_id: string;
            status: components["schemas"]["JobStatus"];
            /** Robot Id */
            robot_id: string | null;
            /** Waited Seconds */
            waited_seconds: number | null;
            /** Ran Seconds */
            ran_seconds: number | null;
        };
        /**
         * ComparedStep
         * @description A step by its names from the root on; null for a run without it.
         */
        ComparedStep: {
            /** Path */
            path: string[];
            /** Kind */
            kind: string;
            run: components["schemas"]["ComparedTime"] | null;
            other: components["schemas"]["ComparedTime"] | null;
        };
        /** ComparedTime */
        ComparedTime: {
            status: components["schemas"]["StepStatus"];
            /** Seconds */
            seconds: number | null;
        };
        /**
         * Comparison
         * @description A run and the last good run of its workflow; without one, `other` and `differences` are null.
         */
        Comparison: {
            run: components["schemas"]["ComparedRun"];
            other: components["schemas"]["ComparedRun"] | null;
            differences: components["schemas"]["Differences"] | null;
        };
        /**
         * DegradedPart
         * @description A part of the server that can be away.
         * @enum {string}
         */
        DegradedPart: "store" | "bus";
        /**
         * DepthPoint
         * @description `oldest_wait_seconds` is the wait of the first job; null if no job waited.
         */
        DepthPoint: {
            /** At */
            at: string;
            /** Pending */
            pending: number;
            /** Oldest Wait Seconds */
            oldest_wait_seconds: number | null;
        };
        /**
         * Differences
         * @description What differs. `parameters_left_out` and `steps_left_out` count differences that are not shown.
         *
         *     `lines_cut`: a log has lines that were not read.
         */
        Differences: {
            /** Parameters */
            parameters: components["schemas"]["ComparedParameter"][];
            /** Parameters Left Out */
            parameters_left_out: number;
            /** Steps */
            steps: components["schemas"]["ComparedStep"][];
            /** Steps Left Out */
            steps_left_out: number;
            first_line: components["schemas"]["ComparedLines"] | null;
            /** Lines Compared */
            lines_compared: number;
            /** Lines Cut */
            lines_cut: boolean;
        };
        /**
         * Drain
         * @description The drain command: when, by whom and why.
         */
        Drain: {
            /** At */
            at: string;
            /** By */
            by: string | null;
            /** Reason */
            reason: string | null;
        };
        /**
         * EndedJobs
         * @description Jobs that ended from `finished_from` and before `finished_to`, which is null for a range up to now.
         *
         *     Cancelled jobs are not counted.
         */
        EndedJobs: {
            /** Finished From */
            finished_from: string;
            /** Finished To */
            finished_to: string | null;
            /** Completed */
            completed: number;
            /** Failed */
            failed: number;
        };
        /**
         * ErrorBody
         * @description The error format of the contract.
         */
        ErrorBody: {
            /**
             * Type
             * @default error
             * @constant
             */
            type?: "error";
            payload: components["schemas"]["ErrorDetail"];
        };
        /**
         * ErrorCode
         * @description The four codes of an `error` message.
         * @enum {string}
         */
        ErrorCode: "AUTH_FAILED" | "INVALID_MESSAGE" | "RATE_LIMITED" | "INTERNAL_ERROR";
        /**
         * ErrorDetail
         * @description The payload of an error: the code of the contract, a text for a person, and the time.
         */
        ErrorDetail: {
            code: components["schemas"]["ErrorCode"];
            /** Message */
            message: string;
            /** Timestamp */
            timestamp: string;
            /**
             * Retry After Ms
             * @description Only with RATE_LIMITED, and when the store is away.
             */
            retry_after_ms?: number | null;
            /**
             * Oldest
             * @description Only with status 410: the first position that is valid.
             */
            oldest?: string | null;
            /**
             * Status
             * @description Only of `/health/ready`: `draining` or `cut_off`.
             */
            status?: string | null;
        };
        /** EventList */
        EventList: {
            /** Items */
            items: components["schemas"]["EventView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * EventView
         * @description A history entry of a job. `transition` is its number in docs/reference/websocket-contract.md, Transitions.
         */
        EventView: {
            /** Event Id */
            event_id: number;
            /** At */
            at: string;
            /** Transition */
            transition: string;
            /** Kind */
            kind: string;
            status: components["schemas"]["JobStatus"];
            /** Attempt */
            attempt: number;
            /** Robot Id */
            robot_id: string | null;
            /** Session Id */
            session_id: string | null;
            /** By */
            by: string | null;
            /** Note */
            note: string | null;
            /**
             * Request Id
             * @description The `X-Request-ID` of the submit; only in the first entry.
             */
            request_id?: string | null;
        };
        /**
         * FailureGroupView
         * @description Failures with the same fingerprint in a tenant.
         *
         *     `reason`, `error_type` and `message` are from the newest failure, `count`, `trend` and the robots from the requested
         *     time. `first_at` is the oldest stored failure.
         */
        FailureGroupView: {
            /** Fingerprint */
            fingerprint: string;
            /** Tenant Id */
            tenant_id: string;
            /** Workflow Id */
            workflow_id: string;
            reason: components["schemas"]["Reason"] | null;
            /** Error Type */
            error_type: string | null;
            /** Message */
            message: string;
            /** Count */
            count: number;
            /** First At */
            first_at: string;
            /** Last At */
            last_at: string;
            /** Last Job Id */
            last_job_id: string;
            /**
             * Is New
             * @description The oldest stored failure is less than 24 hours old.
             */
            is_new: boolean;
            /**
             * Trend
             * @description Failures of each bar, oldest first; see `bar_seconds` of the list.
             */
            trend: number[];
            /**
             * Robots
             * @description Up to ten robots with the most failures.
             */
            robots: components["schemas"]["FailureRobot"][];
            /** Robot Count */
            robot_count: number;
            /** Note */
            note: string;
            /** Owner */
            owner: string;
            muted: components["schemas"]["MuteView"] | null;
        };
        /**
         * FailureGroups
         * @description Groups of the `scanned` newest failures. `capped`: older failures were not read.
         *
         *     The first bar of a trend begins at `bars_from`. `muted_groups` and `muted_failures` count the muted groups, also
         *     when the list leaves them out.
         */
        FailureGroups: {
            /** Items */
            items: components["schemas"]["FailureGroupView"][];
            /** Scanned */
            scanned: number;
            /** Capped */
            capped: boolean;
            /** Muted Groups */
            muted_groups: number;
            /** Muted Failures */
            muted_failures: number;
            /** Bars From */
            bars_from: string;
            /** Bar Seconds */
            bar_seconds: number;
        };
        /**
         * FailureNoteChange
         * @description The fields to change. An empty text removes a note or an owner.
         */
        FailureNoteChange: {
            /** Note */
            note?: string | null;
            /** Owner */
            owner?: string | null;
        };
        /** FailureRobot */
        FailureRobot: {
            /** Robot Id */
            robot_id: string;
            /** Count */
            count: number;
        };
        /** FittingRobot */
        FittingRobot: {
            /** Robot Id */
            robot_id: string;
            availability: components["schemas"]["Availability"];
        };
        /**
         * FleetCounts
         * @description All robots by state, as the list of robots shows them. A draining robot is only in `draining`.
         */
        FleetCounts: {
            /** Idle */
            idle: number;
            /** Busy */
            busy: number;
            /** Offline */
            offline: number;
            /** Draining */
            draining: number;
        };
        /**
         * FoundLogs
         * @description `scanned_to` is set if the search reached its limit of lines to read; `next_cursor` continues it.
         *
         *     `previous_cursor` is set only with `around`: it continues in the other order.
         */
        FoundLogs: {
            /** Items */
            items: components["schemas"]["LogView"][];
            /** Next Cursor */
            next_cursor: string | null;
            /** Scanned To */
            scanned_to: string | null;
            /** Previous Cursor */
            previous_cursor?: string | null;
        };
        /** Health */
        Health: {
            /** Status */
            status: string;
        };
        /**
         * InstanceBus
         * @description How an instance hears of the changes of others. `alone`: it has its database for itself.
         */
        InstanceBus: {
            /** Kind */
            kind: string;
            /** Alive */
            alive: boolean;
        };
        /** InstanceList */
        InstanceList: {
            /** At */
            at: string;
            /** Items */
            items: components["schemas"]["InstanceView"][];
        };
        /**
         * InstanceView
         * @description One instance as it described itself at `last_seen_at`; it does so every 5 seconds.
         *
         *     `state`: `silent` when it did not do so for 15 seconds. Then others take over its robots. The other fields are null
         *     until its first description, and for a version that writes none.
         */
        InstanceView: {
            /**
             * Instance Id
             * @description Changes with each start.
             */
            instance_id: string;
            /**
             * Answered
             * @description Whether this instance answered the request.
             */
            answered: boolean;
            /**
             * State
             * @enum {string}
             */
            state: "running" | "draining" | "silent";
            /** Last Seen At */
            last_seen_at: string;
            /** Name */
            name: string | null;
            /** Address */
            address: string | null;
            /** Version */
            version: string | null;
            /** Schema Revision */
            schema_revision: string | null;
            /** Started At */
            started_at: string | null;
            /** Robots */
            robots: number | null;
            /** Viewers */
            viewers: number | null;
            /** Loop Lag Ms */
            loop_lag_ms: number | null;
            /** Feed Lag Ms */
            feed_lag_ms: number | null;
            bus: components["schemas"]["InstanceBus"] | null;
            /** Store */
            store: string | null;
        };
        /**
         * JobCountView
         * @description `capped`: `matching` or `total` exceeds 10,000, where counting stops.
         */
        JobCountView: {
            /** Matching */
            matching: number;
            /** Total */
            total: number;
            /** Capped */
            capped: boolean;
        };
        /** JobItems */
        JobItems: {
            /** Items */
            items: components["schemas"]["JobView"][];
        };
        /** JobList */
        JobList: {
            /** Items */
            items: components["schemas"]["JobView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /**
         * JobOrder
         * @description The order of a list of jobs; a minus means newest first. A list by the end has ended jobs only.
         * @enum {string}
         */
        JobOrder: "-created" | "created" | "-finished" | "finished";
        /**
         * JobStatus
         * @description The states of a job, as stored and as sent.
         * @enum {string}
         */
        JobStatus: "pending" | "claimed" | "running" | "completed" | "failed";
        /**
         * JobView
         * @description The present state of a job. `robot_id` is null while it is pending; `attempt` numbers its offers.
         */
        JobView: {
            /** Job Id */
            job_id: string;
            /** Workflow Id */
            workflow_id: string;
            /** Tenant Id */
            tenant_id: string;
            /** Parameters */
            parameters: {
                [key: string]: unknown;
            };
            /** Priority */
            priority: number;
            /** Timeout Seconds */
            timeout_seconds: number;
            /** Target Robot Id */
            target_robot_id: string | null;
            /** Tags */
            tags: string[];
            /** Max Attempts */
            max_attempts: number;
            /** Not Before */
            not_before: string | null;
            /** Queue */
            queue: string;
            /** Queue Ttl Seconds */
            queue_ttl_seconds: number | null;
            /** Retry Of */
            retry_of: string | null;
            status: components["schemas"]["JobStatus"];
            reason: components["schemas"]["Reason"] | null;
            /** Attempt */
            attempt: number;
            /** Cancel Requested At */
            cancel_requested_at: string | null;
            /** Progress */
            progress: number;
            /** Message */
            message: string | null;
            /** Result */
            result: unknown;
            /** Error */
            error: {
                [key: string]: unknown;
            } | null;
            /** Started At */
            started_at: string | null;
            /** Finished At */
            finished_at: string | null;
            /** Robot Id */
            robot_id: string | null;
            /** Created At */
            created_at: string;
            /** Contact */
            contact: string | null;
            cancel: components["schemas"]["CancelReceipt"] | null;
            /**
             * Pending Reasons
             * @description Why it is pending, most important first; only in the answer for a single job.
             */
            pending_reasons: components["schemas"]["PendingReasonView"][] | null;
            /**
             * Queue Position
             * @description Its position among similar jobs; 1 is next, null if delayed.
             */
            queue_position: number | null;
            /**
             * Fitting Robots
             * @description Up to ten robots that could run it.
             */
            fitting_robots: components["schemas"]["FittingRobot"][] | null;
            /**
             * Fingerprint
             * @description Equal for failures with the same cause.
             */
            fingerprint: string | null;
        };
        /** KeyList */
        KeyList: {
            /** Items */
            items: components["schemas"]["KeyView"][];
        };
        /** KeyView */
        KeyView: {
            /** Key Id */
            key_id: string;
            /** Created At */
            created_at: string;
            /** Revoked At */
            revoked_at: string | null;
        };
        /**
         * Level
         * @description The four levels of the contract, in rising order.
         * @enum {string}
         */
        Level: "DEBUG" | "INFO" | "WARNING" | "ERROR";
        /** LinkCode */
        LinkCode: {
            /** Code */
            code: string;
            /** Expires At */
            expires_at: string;
        };
        /** LinkUse */
        LinkUse: {
            /** Code */
            code: string;
        };
        /** LogList */
        LogList: {
            /** Items */
            items: components["schemas"]["LogView"][];
            /** Next Cursor */
            next_cursor: string | null;
        };
        /** LogView */
        LogView: {
            /** Log Id */
            log_id: number;
            /** Robot Id */
            robot_id: string;
            level: components["schemas"]["Level"];
            /** Message */
            message: string;
            /** Timestamp */
            timestamp: string;
            /** Job Id */
            job_id: string | null;
            /** Node Id */
            node_id: string | null;
            /** Truncated */
            truncated: boolean;
            /** Seq */
            seq: number;
        };
        /** Login */
        Login: {
            /** Username */
            username: string;
            /** Password */
            password: string;
        };
        /** LoginSessionList */
        LoginSessionList: {
            /** Items */
            items: components["schemas"]["LoginSessionView"][];
        };
        /**
         * LoginSessionView
         * @description A sign-in that has not ended. `address` is the network address that it came from.
         */
        LoginSessionView: {
            /** Session Id */
            session_id: string;
            /** Username */
            username: string;
            /** Tenant Id */
            tenant_id: string | null;
            /** Address */
            address: string;
            /** Signed In At */
            signed_in_at: string;
            /** Expires At */
            expires_at: string;
        };
        /**
         * MuteOrder
         * @description How long to mute, and why. The body may be omitted.
         */
        MuteOrder: {
            /**
             * Reason
             * @description The reason; stored with principal and time.
             */
            reason?: string | null;
            /**
             * Until
             * @description The end of the mute; without it, the group is muted until unmuted.
             */
            until?: string | null;
        };
        /**
         * MuteView
         * @description `until` is null while the group is muted until it is unmuted.
         */
        MuteView: {
            /** At */
            at: string;
            /** By */
            by: string;
            /** Until */
            until: string | null;
        };
        /**
         * NewJob
         * @description A job to submit.
         */
        NewJob: {
            /** Workflow Id */
            workflow_id: string;
            /**
             * Parameters
             * @description At most 256 KiB of JSON.
             * @default {}
             */
            parameters?: {
                [key: string]: unknown;
            };
            /**
             * Priority
             * @description Higher first; one step equals ten minutes of waiting.
             * @default 5
             */
            priority?: number;
            /**
             * Timeout Seconds
             * @default 3600
             */
            timeout_seconds?: number;
            /**
             * Tags
             * @description Tags that the robot must have.
             * @default []
             */
            tags?: string[];
            /**
             * Max Attempts
             * @description How many starts are allowed; 1 means at most once.
             * @default 1
             */
            max_attempts?: number;
            /**
             * Not Before
             * @description Earliest time of its start.
             */
            not_before?: string | null;
            /**
             * Queue
             * @description The queue of the job.
             * @default default
             */
            queue?: string;
            /**
             * Queue Ttl Seconds
             * @description How long it may wait before it fails with the reason `expired`.
             */
            queue_ttl_seconds?: number | null;
            /**
             * Tenant Id
             * @default default
             */
            tenant_id?: string;
            /**
             * Robot Id
             * @description Run on this robot only.
             */
            robot_id?: string | null;
        };
        /**
         * NewJobs
         * @description Jobs that are added together: all of them, or none when one is refused.
         */
        NewJobs: {
            /** Jobs */
            jobs: components["schemas"]["NewJob"][];
        };
        /**
         * NewKey
         * @description `api_key` is shown only in this response.
         */
        NewKey: {
            /** Key Id */
            key_id: string;
            /** Api Key */
            api_key: string;
        };
        /** NewLink */
        NewLink: {
            /**
             * Name
             * @description Where the screen is.
             */
            name: string;
            /**
             * Life Days
             * @description Days until the link expires.
             * @default 365
             */
            life_days?: number;
        };
        /**
         * NewPreset
         * @description A job with a name, which is stored and not submitted. It has no start time.
         */
        NewPreset: {
            /** Workflow Id */
            workflow_id: string;
            /**
             * Parameters
             * @description At most 256 KiB of JSON.
             * @default {}
             */
            parameters?: {
                [key: string]: unknown;
            };
            /**
             * Priority
             * @description Higher first; one step equals ten minutes of waiting.
             * @default 5
             */
            priority?: number;
            /**
             * Timeout Seconds
             * @default 3600
             */
            timeout_seconds?: number;
            /**
             * Tags
             * @description Tags that the robot must have.
             * @default []
             */
            tags?: string[];
            /**
             * Max Attempts
             * @description How many starts are allowed; 1 means at most once.
             * @default 1
             */
            max_attempts?: number;
            /**
             * Queue
             * @description The queue of the job.
             * @default default
             */
            queue?: string;
            /**
             * Queue Ttl Seconds
             * @description How long it may wait before it fails with the reason `expired`.
             */
            queue_ttl_seconds?: number | null;
            /**
             * Tenant Id
             * @default default
             */
            tenant_id?: string;
            /**
             * Robot Id
             * @description Run on this robot only.
             */
            robot_id?: string | null;
            /** Name */
            name: string;
        };
        /** NewQueue */
        NewQueue: {
            /** Queue */
            queue: string;
        };
        /** NewRobot */
        NewRobot: {
            /** Robot Id */
            robot_id: string;
            /**
             * Name
             * @default
             */
            name?: string;
            /**
             * Tenant Id
             * @default default
             */
            tenant_id?: string;
            /**
             * Tags
             * @description Its capabilities; overrides what the robot reports.
             */
            tags?: string[];
            /**
             * Max Concurrent Jobs
             * @description Upper limit; default: what the robot reports, or one.
             */
            max_concurrent_jobs?: number | null;
        };
        /** NewTenant */
        NewTenant: {
            /** Tenant Id */
            tenant_id: string;
            /** Name */
            name: string;
        };
        /**
         * NewViewLinkView
         * @description `code` is shown only once. The address of the link is `/#link=CODE` of the dashboard.
         */
        NewViewLinkView: {
            /** Link Id */
            link_id: string;
            /** Name */
            name: string;
            /** Created At */
            created_at: string;
            /** Expires At */
            expires_at: string;
            /** Code */
            code: string;
        };
        /** OldestPending */
        OldestPending: {
            /** Job Id */
            job_id: string;
            /** Created At */
            created_at: string;
        };
        /**
         * Order
         * @description The reason of a command. The body may be omitted.
         */
        Order: {
            /**
             * Reason
             * @description The reason; stored with principal and time.
             */
            reason?: string | null;
        };
        /** OverviewView */
        OverviewView: {
            /** At */
            at: string;
            /** Server Version */
            server_version: string;
            robots: components["schemas"]["FleetCounts"];
            queue: components["schemas"]["QueueCounts"];
            oldest_pending: components["schemas"]["OldestPending"] | null;
            ended: components["schemas"]["EndedJobs"];
            throughput: components["schemas"]["Throughput"];
            /** Attention */
            attention: components["schemas"]["AttentionView"][];
        };
        /** Pause */
        Pause: {
            /** At */
            at: string;
            /** By */
            by: string;
            /** Reason */
            reason: string;
        };
        /**
         * PendingReasonView
         * @description A reason why a job is pending: `code` for programs, `message` for people.
         */
        PendingReasonView: {
            code: components["schemas"]["ReasonCode"];
            /** Message */
            message: string;
        };
        /**
         * PresetJob
         * @description The fields of a job that a preset sets.
         */
        PresetJob: {
            /**
             * Parameters
             * @description At most 256 KiB of JSON.
             * @default {}
             */
            parameters?: {
                [key: string]: unknown;
            };
            /**
             * Priority
             * @description Higher first; one step equals ten minutes of waiting.
             * @default 5
             */
            priority?: number;
            /**
             * Timeout Seconds
             * @default 3600
             */
            timeout_seconds?: number;
            /**
             * Tags
             * @description Tags that the robot must have.
             * @default []
             */
            tags?: string[];
            /**
             * Max Attempts
             * @description How many starts are allowed; 1 means at most once.
             * @default 1
             */
            max_attempts?: number;
            /**
             * Queue
             * @description The queue of the job.
             * @default default
             */
            queue?: string;
            /**
             * Queue Ttl Seconds
             * @description How long it may wait before it fails with the reason `expired`.
             */
            queue_ttl_seconds?: number | null;
            /** Robot Id */
            robot_id?: string | null;
        };
        /** PresetList */
        PresetList: {
            /** Items */
            items: components["schemas"]["PresetView"][];
        };
        /** PresetView */
        PresetView: {
            /** Name */
            name: string;
            /** Workflow Id */
            workflow_id: string;
            /** Tenant Id */
            tenant_id: string;
            job: components["schemas"]["PresetJob"];
            /** Changed At */
            changed_at: string;
            /** Changed By */
            changed_by: string;
        };
        /** QueueCounts */
        QueueCounts: {
            /** Pending */
            pending: number;
            /** Claimed */
            claimed: number;
            /** Running */
            running: number;
            /** Completed 24H */
            completed_24h: number;
            /** Failed 24H */
            failed_24h: number;
        };
        /** QueueDepths */
        QueueDepths: {
            /** Queue */
            queue: string;
            /** Points */
            points: components["schemas"]["DepthPoint"][];
        };
        /** QueueHistory */
        QueueHistory: {
            /** Bucket Seconds */
            bucket_seconds: number;
            /** Queues */
            queues: components["schemas"]["QueueDepths"][];
        };
        /**
         * QueueList
         * @description `all_paused` is set while every queue is paused at once.
         */
        QueueList: {
            /** Items */
            items: components["schemas"]["QueueView"][];
            all_paused: components["schemas"]["Pause"] | null;
        };
        /**
         * QueueView
         * @description `pending` is the number of waiting jobs; `paused` is null unless the queue is paused.
         */
        QueueView: {
            /** Queue */
            queue: string;
            /** Pending */
            pending: number;
            paused: components["schemas"]["Pause"] | null;
            /** Created At */
            created_at: string | null;
            /** Created By */
            created_by: string | null;
        };
        /**
         * Ready
         * @description `degraded`: the instance serves, but the shared store or the bus is away; requests that need it get 503.
         */
        Ready: {
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "degraded";
            /** Reason */
            reason?: string | null;
            /** @description The part that is away. */
            part?: components["schemas"]["DegradedPart"] | null;
        };
        /**
         * Reason
         * @description Why a job is `failed`.
         * @enum {string}
         */
        Reason: "error" | "cancelled" | "timeout" | "robot_lost" | "rejected" | "expired";
        /**
         * ReasonCode
         * @description The codes of pending reasons, for programs.
         * @enum {string}
         */
        ReasonCode: "offered" | "not_before" | "queue_paused" | "no_robot" | "no_workflow" | "robots_unavailable" | "jobs_ahead" | "next";
        /** Refresh */
        Refresh: {
            /** Token */
            token: string;
        };
        /** RefusedRobot */
        RefusedRobot: {
            /** Robot Id */
            robot_id: string;
            code: components["schemas"]["ErrorCode"];
            /** Message */
            message: string;
        };
        /**
         * RobotAction
         * @description The orders to a robot.
         * @enum {string}
         */
        RobotAction: "drain" | "resume" | "restart";
        /** RobotBeats */
        RobotBeats: {
            /** Beats */
            beats: components["schemas"]["BeatView"][];
            /** Robot Id */
            robot_id: string;
        };
        /**
         * RobotChange
         * @description Omitted fields do not change.
         *
         *     `add_tags` are added to the stored `tags`, or to those of the request; then `remove_tags` are removed.
         */
        RobotChange: {
            /** Name */
            name?: string | null;
            /** Tags */
            tags?: string[] | null;
            /** Add Tags */
            add_tags?: string[] | null;
            /** Remove Tags */
            remove_tags?: string[] | null;
            /**
             * Max Concurrent Jobs
             * @description null: what the robot reports, or one.
             */
            max_concurrent_jobs?: number | null;
        };
        /** RobotList */
        RobotList: {
            /** Items */
            items: components["schemas"]["RobotView"][];
        };
        /** RobotNames */
        RobotNames: {
            /** Names */
            names: {
                [key: string]: string;
            };
        };
        /**
         * RobotStatus
         * @description The states of a robot, in heartbeats and in views.
         * @enum {string}
         */
        RobotStatus: "idle" | "busy" | "offline";
        /**
         * RobotView
         * @description A robot. `cpu_percent` and `memory_mb` are from its last heartbeat.
         */
        RobotView: {
            /** Robot Id */
            robot_id: string;
            /** Name */
            name: string;
            /** Tenant Id */
            tenant_id: string;
            /** Tags */
            tags: string[];
            /**
             * Tags Not Allowed
             * @description Tags that the connected robot reports and that its stored tags do not contain; they do not count.
             */
            tags_not_allowed: string[];
            /** Max Concurrent Jobs */
            max_concurrent_jobs: number | null;
            status: components["schemas"]["RobotStatus"];
            /** Current Job */
            current_job: string | null;
            /** Cpu Percent */
            cpu_percent: number;
            /** Memory Mb */
            memory_mb: number;
            /** Last Heartbeat At */
            last_heartbeat_at: string | null;
            /** Last Seen At */
            last_seen_at: string | null;
            /** Created At */
            created_at: string;
            draining: components["schemas"]["Drain"] | null;
            /**
             * Clock Skew Seconds
             * @description Clock of the robot minus clock of the server, if they differ by more than 30 s.
             */
            clock_skew_seconds: number | null;
            /** Connected At */
            connected_at: string | null;
            /**
             * Version
             * @description Version that the robot reported; empty if none.
             */
            version: string;
            /**
             * Capabilities
             * @description Capabilities that the robot reported.
             */
            capabilities: string[];
            /**
             * Workflows
             * @description Workflows that the robot listed last; null without a list: it gets jobs of every workflow.
             */
            workflows: string[] | null;
        };
        /**
         * RobotsOrdered
         * @description The result of a bulk order.
         *
         *     `matched` is the number of robots in it, `robot_ids` are the changed ones. `unchanged` robots were drained
         *     already, or had no drain to end. `refused` robots have a reason each.
         */
        RobotsOrdered: {
            /** Matched */
            matched: number;
            /** Robot Ids */
            robot_ids: string[];
            /** Unchanged */
            unchanged: number;
            /** Refused */
            refused: components["schemas"]["RefusedRobot"][];
        };
        /**
         * RobotsToOrder
         * @description Robots by id; duplicates count once.
         */
        RobotsToOrder: {
            action: components["schemas"]["RobotAction"];
            /** Robot Ids */
            robot_ids: string[];
            /**
             * Reason
             * @default
             */
            reason?: string;
        };
        /**
         * RunList
         * @description Runs between `since` and `until`. With `more`, older runs of the range are left out.
         */
        RunList: {
            /** Since */
            since: string;
            /** Until */
            until: string;
            /** Items */
            items: components["schemas"]["RunView"][];
            /** More */
            more: boolean;
        };
        /**
         * RunView
         * @description The last attempt of a job on a robot. `finished_at` is null while the robot runs it.
         */
        RunView: {
            /** Job Id */
            job_id: string;
            /** Robot Id */
            robot_id: string;
            /** Workflow Id */
            workflow_id: string;
            /** Attempt */
            attempt: number;
            status: components["schemas"]["JobStatus"];
            reason: components["schemas"]["Reason"] | null;
            /** Started At */
            started_at: string;
            /** Finished At */
            finished_at: string | null;
        };
        /**
         * ShownRobotState
         * @description The state of a robot as people see it: its status, or `draining` while it is connected and drained.
         * @enum {string}
         */
        ShownRobotState: "idle" | "busy" | "draining" | "offline";
        /**
         * StepList
         * @description `total` also counts the steps that are not stored, because an attempt has over 10,000.
         */
        StepList: {
            /** Attempt */
            attempt: number;
            /** Items */
            items: components["schemas"]["StepView"][];
            /** Total */
            total: number;
            /**
             * Revision
             * @description For `after`: the next request then returns the changed steps only.
             */
            revision: number;
        };
        /**
         * StepStatus
         * @description The states of a step of a job. Every one except `running` is final.
         * @enum {string}
         */
        StepStatus: "running" | "passed" | "failed" | "skipped";
        /**
         * StepView
         * @description A step of a job; `parent` is the id of the step around it. The times are of the robot's clock.
         */
        StepView: {
            /** Id */
            id: number;
            /** Parent */
            parent: number | null;
            /** Name */
            name: string;
            /**
             * Kind
             * @description Such as `suite`, `test`, `keyword` or `step`.
             */
            kind: string;
            status: components["schemas"]["StepStatus"];
            /** Started At */
            started_at: string;
            /** Ended At */
            ended_at: string | null;
        };
        /** TenantList */
        TenantList: {
            /** Items */
            items: components["schemas"]["TenantView"][];
        };
        /** TenantView */
        TenantView: {
            /** Tenant Id */
            tenant_id: string;
            /** Name */
            name: string;
            /** Created At */
            created_at: string;
        };
        /**
         * Throughput
         * @description Ended jobs, oldest first. A point covers `bucket_seconds` from `at`; jobs outside of the range are left out.
         */
        Throughput: {
            /** Bucket Seconds */
            bucket_seconds: number;
            /** Points */
            points: components["schemas"]["ThroughputPoint"][];
        };
        /** ThroughputPoint */
        ThroughputPoint: {
            /** At */
            at: string;
            /** Completed */
            completed: number;
            /** Failed */
            failed: number;
        };
        /**
         * Ticket
         * @description Valid for one connection, in the query parameter `api_secret` or `token`.
         */
        Ticket: {
            /** Ticket */
            ticket: string;
            /** Expires At */
            expires_at: string;
        };
        /**
         * Token
         * @description `expires_in` is in seconds. `username` is the user of the session, or the name of the view link.
         */
        Token: {
            /** Access Token */
            access_token: string;
            /**
             * Token Type
             * @default bearer
             */
            token_type?: string;
            /** Expires In */
            expires_in: number;
            /** Username */
            username: string;
            /**
             * Role
             * @enum {string}
             */
            role: "admin" | "viewer";
        };
        /**
         * Trouble
         * @description Kinds of trouble, most urgent first.
         * @enum {string}
         */
        Trouble: "cancel_unconfirmed" | "contact_lost" | "robot_taken_over" | "duplicate_identity" | "job_silent" | "no_robot" | "queue_paused" | "robot_offline" | "clock_skew";
        /** ViewLinkList */
        ViewLinkList: {
            /** Items */
            items: components["schemas"]["ViewLinkView"][];
        };
        /**
         * ViewLinkView
         * @description An address that signs browsers in for reading only.
         */
        ViewLinkView: {
            /** Link Id */
            link_id: string;
            /** Name */
            name: string;
            /** Created At */
            created_at: string;
            /** Expires At */
            expires_at: string;
        };
        /** WantedTicket */
        WantedTicket: {
            /**
             * Endpoint
             * @description The path of the WebSocket, such as `/ws/admin`. It may be percent-encoded.
             */
            endpoint: string;
        };
        /** WorkflowList */
        WorkflowList: {
            /** Items */
            items: components["schemas"]["WorkflowView"][];
        };
        /**
         * WorkflowView
         * @description A workflow, with the parameters, tags and queue of its newest job.
         */
        WorkflowView: {
            /** Workflow Id */
            workflow_id: string;
            /** Last Submitted At */
            last_submitted_at: string;
            /** Last Parameters */
            last_parameters: {
                [key: string]: unknown;
            };
            /** Last Tags */
            last_tags: string[];
            /** Last Queue */
            last_queue: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    create_link: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkCode"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    use_link: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkUse"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    resume: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Refresh"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_view_links: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ViewLinkList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    create_view_link: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewLink"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewViewLinkView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    revoke_view_link: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                link_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    create_ticket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WantedTicket"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    order_jobs: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BulkOfIds"] | components["schemas"]["BulkOfFilter"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BulkDone"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    compare_job: {
        parameters: {
            query?: {
                with?: string | null;
            };
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Comparison"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string | null;
                /** @description The time to sort by; a minus means newest first. By the end, only ended jobs are listed. */
                sort?: components["schemas"]["JobOrder"] | null;
                status?: components["schemas"]["JobStatus"][] | null;
                reason?: components["schemas"]["Reason"][] | null;
                robot_id?: string | null;
                workflow_id?: string | null;
                queue?: string | null;
                tenant_id?: string | null;
                fingerprint?: string | null;
                q?: string | null;
                from?: string | null;
                to?: string | null;
                finished_from?: string | null;
                finished_to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    submit_job: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewJob"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    submit_jobs: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewJobs"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobItems"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    export_jobs: {
        parameters: {
            query?: {
                /** @description The time to sort by; a minus means newest first. By the end, only ended jobs are listed. */
                sort?: components["schemas"]["JobOrder"] | null;
                status?: components["schemas"]["JobStatus"][] | null;
                reason?: components["schemas"]["Reason"][] | null;
                robot_id?: string | null;
                workflow_id?: string | null;
                queue?: string | null;
                tenant_id?: string | null;
                fingerprint?: string | null;
                q?: string | null;
                from?: string | null;
                to?: string | null;
                finished_from?: string | null;
                finished_to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "text/csv": unknown;
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    count_jobs: {
        parameters: {
            query?: {
                status?: components["schemas"]["JobStatus"][] | null;
                reason?: components["schemas"]["Reason"][] | null;
                robot_id?: string | null;
                workflow_id?: string | null;
                queue?: string | null;
                tenant_id?: string | null;
                fingerprint?: string | null;
                q?: string | null;
                from?: string | null;
                to?: string | null;
                finished_from?: string | null;
                finished_to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobCountView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    cancel_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Order"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    retry_job: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_logs: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string | null;
            };
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    download_logs: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "text/plain": unknown;
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_events: {
        parameters: {
            query?: {
                limit?: number;
                cursor?: string | null;
            };
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_steps: {
        parameters: {
            query?: {
                attempt?: number | null;
                after?: number;
            };
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StepList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_workflows: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkflowList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_presets: {
        parameters: {
            query: {
                workflow_id: string;
                tenant_id?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    save_preset: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPreset"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PresetView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    delete_preset: {
        parameters: {
            query: {
                workflow_id: string;
                name: string;
                tenant_id?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    search_logs: {
        parameters: {
            query?: {
                robot_id?: string | null;
                job_id?: string | null;
                tenant_id?: string | null;
                node_id?: string | null;
                min_level?: components["schemas"]["Level"];
                q?: string | null;
                from?: string | null;
                to?: string | null;
                limit?: number;
                cursor?: string | null;
                order?: "asc" | "desc";
                around?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FoundLogs"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    order_robots: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RobotsToOrder"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotsOrdered"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_robots: {
        parameters: {
            query?: {
                tenant_id?: string | null;
                /** @description One of these; a drained robot is `draining`. */
                state?: components["schemas"]["ShownRobotState"][];
                /** @description All of these. */
                tag?: string[];
                /** @description Part of the id, the name or a tag. */
                q?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    create_robot: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRobot"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_names: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotNames"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_beats: {
        parameters: {
            query?: {
                robot_id?: string[] | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AllBeats"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_robot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    remove_robot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    change_robot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RobotChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_beats: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BeatList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    drain_robot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Order"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    resume_robot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Order"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    restart_robot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Order"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RobotView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    create_key: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string | null;
            };
            path: {
                robot_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKey"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                robot_id: string;
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_runs: {
        parameters: {
            query?: {
                minutes?: number | null;
                from?: string | null;
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_queues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    create_queue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewQueue"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    queue_history: {
        parameters: {
            query?: {
                minutes?: number | null;
                from?: string | null;
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueHistory"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    pause_queue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A queue, or `*` for all of them. */
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Order"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    resume_queue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A queue, or `*` for all of them. */
                queue: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Order"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueueList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_tenants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    create_tenant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTenant"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request conflicts with the present state. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    overview: {
        parameters: {
            query?: {
                minutes?: number | null;
                from?: string | null;
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OverviewView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    failures: {
        parameters: {
            query?: {
                muted?: boolean | null;
                minutes?: number | null;
                from?: string | null;
                to?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FailureGroups"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    get_failures: {
        parameters: {
            query?: {
                tenant_id?: string | null;
                minutes?: number | null;
                from?: string | null;
                to?: string | null;
            };
            header?: never;
            path: {
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FailureGroupView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    note_failures: {
        parameters: {
            query?: {
                tenant_id?: string | null;
            };
            header?: never;
            path: {
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FailureNoteChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FailureGroupView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    mute_failures: {
        parameters: {
            query?: {
                tenant_id?: string | null;
            };
            header?: never;
            path: {
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["MuteOrder"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FailureGroupView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    unmute_failures: {
        parameters: {
            query?: {
                tenant_id?: string | null;
            };
            header?: never;
            path: {
                fingerprint: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Order"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FailureGroupView"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_events: {
        parameters: {
            query?: {
                /** @description A position, `oldest` or `now`. Default: `oldest`. */
                since?: string | null;
                tenant_id?: string | null;
                limit?: number;
            };
            header?: {
                /** @description Of a stream; replaces `since`. */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChangeList"];
                    "text/event-stream": unknown;
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Changes after the position are no longer stored; `oldest` is the first position that is valid. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Too many attempts; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_audit: {
        parameters: {
            query?: {
                target?: string | null;
                action?: string[] | null;
                from?: string | null;
                to?: string | null;
                limit?: number;
                cursor?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_instances: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstanceList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": unknown;
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    list_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginSessionList"];
                };
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The credential is missing, wrong or expired. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The credential is valid, but does not permit this. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The object does not exist, or the credential may not see it. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The request is invalid; the message names the field. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description The server failed; its log has the error. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
            /** @description Nothing was changed; try again. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
}
