// Generated from schema/ by `make schema`; do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Ack
         * @description Confirms that the message with this `id` is durable, or was a repeat.
         */
        Ack: {
            id: string | number;
        };
        /**
         * Action
         * @description The actions of a `command` of an admin.
         * @enum {string}
         */
        Action: "cancel_job" | "drain_robot" | "pause_queue" | "restart_robot" | "resume_queue" | "resume_robot";
        /**
         * ActiveJob
         * @description A job that the robot holds: from before its `claimed` until the server acknowledged its end.
         */
        ActiveJob: {
            job_id: string;
            attempt: number;
        };
        /**
         * AuthRefresh
         * @description A new token for a monitoring connection, sent before the current token expires.
         */
        AuthRefresh: {
            token: string;
        };
        /**
         * CancelReceived
         * @description The robot received a `job_cancel` and begins to stop the job.
         */
        CancelReceived: {
            job_id: string;
            /** @default null */
            attempt?: number | null;
        };
        /**
         * Channel
         * @description The channels of /ws/admin.
         * @enum {string}
         */
        Channel: "jobs" | "queue" | "robots";
        /**
         * Command
         * @description A command of an admin. `action` decides whether `target_id` is a job, a robot or a queue.
         *
         *         Contract 1.0 does not name the queue of `pause_queue`: no target means all queues there.
         */
        Command: {
            action: components["schemas"]["Action"];
            /** @default null */
            target_id?: string | null;
            /** @default null */
            reason?: string | null;
        };
        /**
         * Connected
         * @description The first message on every accepted connection of a robot.
         */
        Connected: {
            robot_id: string;
            session_id: string;
            /** @default 1.1 */
            protocol_version?: string;
            heartbeat_interval_seconds: number;
            heartbeat_timeout_seconds: number;
            rate_limit: components["schemas"]["RateLimitNotice"] | null;
            max_message_bytes: number;
            jobs: components["schemas"]["HeldJob"][];
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
            /** @default null */
            work_limit?: components["schemas"]["WorkLimitNotice"] | null;
            /** @default [] */
            features?: string[];
        };
        /**
         * Error
         * @description Why a message was refused. The `id` beside `type` is the id of the refused message.
         */
        Error: {
            code: components["schemas"]["ErrorCode"];
            message: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
            /** @default null */
            retry_after_ms?: number | null;
        };
        /**
         * ErrorCode
         * @description The four codes of an `error` message.
         * @enum {string}
         */
        ErrorCode: "AUTH_FAILED" | "INTERNAL_ERROR" | "INVALID_MESSAGE" | "RATE_LIMITED";
        /**
         * Heartbeat
         * @description The status and load of a robot; sent every 30 seconds and when its status changes.
         *
         *         Absent or null: `robot_id` is that of the connection, `timestamp` is the time of receipt, and the other fields keep
         *         their last value.
         */
        Heartbeat: {
            /** @default null */
            robot_id?: string | null;
            /** @default null */
            status?: components["schemas"]["RobotStatus"] | null;
            /** @default null */
            cpu_percent?: number | null;
            /** @default null */
            memory_mb?: number | null;
            /**
             * @description RFC 3339 with any offset and precision; without an offset it is UTC.
             * @default null
             */
            timestamp?: string | null;
            active_jobs?: components["schemas"]["ActiveJob"][] | null;
        };
        /**
         * HeldJob
         * @description A job that the robot holds according to the server.
         */
        HeldJob: {
            job_id: string;
            status: components["schemas"]["JobStatus"];
            attempt: number;
        };
        /**
         * Hello
         * @description An optional description of the robot. A robot that sends none has its stored profile and one slot.
         */
        Hello: {
            instance_id: string;
            /** @default null */
            name?: string | null;
            /** @default null */
            version?: string | null;
            /** @default null */
            capabilities?: string[] | null;
            /** @default null */
            tags?: string[] | null;
            /** @default null */
            max_concurrent_jobs?: number | null;
            active_jobs?: components["schemas"]["ActiveJob"][] | null;
            /** @default null */
            features?: string[] | null;
            log_journal?: string | null;
            workflows?: string[] | null;
        };
        /**
         * JobAssign
         * @description Offers a job; the robot accepts it with `claimed`. The same `(job_id, attempt)` may arrive more than once.
         */
        JobAssign: {
            job_id: string;
            workflow_id: string;
            priority: number;
            parameters: Record<string, never>;
            timeout_seconds: number;
            /** @default null */
            attempt?: number | null;
            /** @default null */
            lease_seconds?: number | null;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             * @default null
             */
            deadline?: string | null;
        };
        /**
         * JobCancel
         * @description Requests that the robot stops a job, with `force` by any means. The robot confirms with the end of the job.
         */
        JobCancel: {
            job_id: string;
            reason: string;
            /** @default null */
            attempt?: number | null;
            /** @default null */
            grace_seconds?: number | null;
            /** @default false */
            force?: boolean;
        };
        /**
         * JobError
         * @description Why a job failed. Some values of `type` and `code` are never retried; see `job_errors`.
         */
        JobError: {
            type: string;
            message: string;
            /** @default null */
            code?: string | null;
            /** @default null */
            node_id?: string | null;
            /** @default null */
            traceback?: string | null;
        };
        /**
         * JobReject
         * @description The robot refuses the offer; the job is pending again.
         */
        JobReject: {
            job_id: string;
            /** @default null */
            attempt?: number | null;
            /** @default  */
            reason?: string;
        };
        /**
         * JobReport
         * @description The status of a job: `claimed` accepts the assignment, then `running`, then `completed` or `failed`.
         */
        JobReport: {
            job_id: string;
            status: components["schemas"]["ReportStatus"];
            /**
             * @description RFC 3339 with any offset and precision; without an offset it is UTC.
             * @default null
             */
            timestamp?: string | null;
            /** @default null */
            progress?: number | null;
            /** @default null */
            message?: string | null;
            /** @default null */
            attempt?: number | null;
            result?: unknown;
            /** @default null */
            error?: components["schemas"]["JobError"] | null;
        };
        /**
         * JobStatus
         * @description The states of a job, as stored and as sent.
         * @enum {string}
         */
        JobStatus: "claimed" | "completed" | "failed" | "pending" | "running";
        /**
         * JobStatusBatch
         * @description Up to 100 reports, which count as one message against the rate limit and have one answer.
         */
        JobStatusBatch: {
            reports: components["schemas"]["JobReport"][];
        };
        /**
         * JobStep
         * @description A step of a job. `id` numbers the steps of an attempt in the order of start; `parent` is the id around it.
         *
         *         A later message with the same id changes the step until it has ended.
         */
        JobStep: {
            id: number;
            /** @default null */
            parent?: number | null;
            name: string;
            /** @default step */
            kind?: string;
            status: components["schemas"]["StepStatus"];
            /** @description RFC 3339 with any offset and precision; without an offset it is UTC. */
            started_at: string;
            /**
             * @description RFC 3339 with any offset and precision; without an offset it is UTC.
             * @default null
             */
            ended_at?: string | null;
        };
        /**
         * JobSteps
         * @description Up to 500 steps of a job, such as the keywords of a Robot Framework suite.
         */
        JobSteps: {
            job_id: string;
            /** @default null */
            attempt?: number | null;
            steps: components["schemas"]["JobStep"][];
        };
        /**
         * JobUpdate
         * @description The current state of a job; sent on each change, for progress at most twice a second.
         */
        JobUpdate: {
            job_id: string;
            status: components["schemas"]["JobStatus"];
            robot_id: string | null;
            progress: number;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
            reason?: string;
            attempt?: number;
            message?: string;
            workflow_id?: string;
            contact?: string;
            pending_reasons?: components["schemas"]["WaitReason"][];
            cancel?: string;
            progress_exact?: number;
        };
        /**
         * Level
         * @description The four levels of the contract, in rising order.
         * @enum {string}
         */
        Level: "DEBUG" | "ERROR" | "INFO" | "WARNING";
        /**
         * LiveJob
         * @description A change of the status of a job.
         */
        LiveJob: {
            /** @constant */
            type: "job_update";
            job_id: string;
            status: components["schemas"]["JobStatus"];
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
            epoch?: string;
            seq?: number;
        };
        /**
         * LiveSnapshotEnd
         * @description Ends a snapshot. The changes after it are numbered from the next position.
         */
        LiveSnapshotEnd: {
            /** @constant */
            type: "snapshot_end";
            epoch: string;
            seq: number;
        };
        /**
         * LiveSubscribed
         * @description The same as `Subscribed`, for /ws/monitoring/live-jobs with `?since=`.
         */
        LiveSubscribed: {
            /** @constant */
            type: "subscribed";
            recovered: boolean;
            epoch: string;
            seq: number;
        };
        /**
         * LogBatch
         * @description Up to 1,000 log lines, which count as one message against the rate limit.
         */
        LogBatch: {
            entries: components["schemas"]["RobotLog"][];
        };
        /**
         * LogMessage
         * @description A log line of a robot; sent after it is stored.
         *
         *         Beside `type`: `log_id` grows in the order of storage, `seq` numbers the lines of its robot, and `dropped` counts
         *         the lines left out before it because the viewer read too slowly or reconnected too late.
         */
        LogMessage: {
            robot_id: string;
            level: components["schemas"]["Level"];
            message: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
            job_id: string | null;
            node_id: string | null;
            truncated?: boolean;
        };
        /**
         * Ping
         * @description Sent after 30 seconds without another message of the server; needs no answer.
         */
        Ping: {
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
        };
        /**
         * Pong
         * @description An answer to `ping`; never required.
         */
        Pong: Record<string, never>;
        /**
         * QueueDepth
         * @description The number of pending jobs; sent every 5 seconds and on change.
         */
        QueueDepth: {
            /** @constant */
            type: "queue_metrics";
            depth: number;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
        };
        /**
         * QueueMetrics
         * @description Jobs by status; sent on change at most once a second, and at least every 5 seconds.
         */
        QueueMetrics: {
            pending: number;
            running: number;
            completed_24h: number;
            failed_24h: number;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
            /** @default 0 */
            claimed?: number;
            /** @default [] */
            paused?: string[];
            /** @default 0 */
            audit_id?: number;
        };
        /**
         * RateLimitNotice
         * @description The rate limit of this connection; null in `connected` if it is off.
         */
        RateLimitNotice: {
            messages_per_second: number;
            burst: number;
        };
        /**
         * ReportStatus
         * @description The states that a robot can report for a job.
         * @enum {string}
         */
        ReportStatus: "canceled" | "cancelled" | "claimed" | "completed" | "failed" | "running";
        /**
         * RobotCommand
         * @description Requests that the robot finishes its jobs and restarts.
         */
        RobotCommand: {
            command_id: string;
            action: string;
            mode: string;
            deadline_seconds: number;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
        };
        /**
         * RobotHeartbeat
         * @description The state of a robot; sent every 5 seconds and on change.
         */
        RobotHeartbeat: {
            /** @constant */
            type: "robot_heartbeat";
            robot_id: string;
            status: components["schemas"]["RobotStatus"];
            cpu_percent: number;
            memory_mb: number;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
        };
        /**
         * RobotLog
         * @description A log line of a robot.
         */
        RobotLog: {
            /** @default null */
            robot_id?: string | null;
            /** @description DEBUG, INFO, WARNING or ERROR in any case; WARN means WARNING, CRITICAL and FATAL mean ERROR. */
            level: string;
            message: string;
            /**
             * @description RFC 3339 with any offset and precision; without an offset it is UTC.
             * @default null
             */
            timestamp?: string | null;
            /** @default null */
            job_id?: string | null;
            /** @default null */
            node_id?: string | null;
            /** @default null */
            seq?: number | null;
        };
        /**
         * RobotState
         * @description The state of a robot, computed from its connection, its heartbeats and its jobs.
         */
        RobotState: {
            robot_id: string;
            status: components["schemas"]["RobotStatus"];
            cpu_percent: number;
            memory_mb: number;
            current_job: string | null;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             */
            timestamp: string;
            /**
             * Format: date-time
             * @description RFC 3339 in UTC, with milliseconds and `Z`.
             * @default null
             */
            last_heartbeat_at?: string | null;
            clock_skew_seconds?: number;
            draining?: boolean;
        };
        /**
         * RobotStatus
         * @description The states of a robot, in heartbeats and in views.
         * @enum {string}
         */
        RobotStatus: "busy" | "idle" | "offline";
        /**
         * SnapshotEnd
         * @description Ends a snapshot. The changes after it are numbered from the next position.
         */
        SnapshotEnd: {
            epoch: string;
            seq: number;
        };
        /**
         * StepStatus
         * @description The states of a step of a job. Every one except `running` is final.
         * @enum {string}
         */
        StepStatus: "failed" | "passed" | "running" | "skipped";
        /**
         * Subscribe
         * @description Subscribes to channels: first a snapshot, then each change.
         */
        Subscribe: {
            channels: components["schemas"]["Channel"][];
            since?: string | null;
        };
        /**
         * Subscribed
         * @description Answers a `subscribe` with `since`. If `recovered`, the missed changes follow; this is the position before them.
         *
         *         Otherwise a snapshot follows, up to `snapshot_end`.
         */
        Subscribed: {
            channel: components["schemas"]["Channel"];
            recovered: boolean;
            epoch: string;
            seq: number;
        };
        /**
         * Unsubscribe
         * @description Ends the subscription to channels.
         */
        Unsubscribe: {
            channels: components["schemas"]["Channel"][];
        };
        /**
         * WaitReason
         * @description A reason why a job is pending: `code` for programs, `message` for people.
         */
        WaitReason: {
            code: string;
            message: string;
        };
        /**
         * WorkLimitNotice
         * @description The limits of a robot on its bytes in messages over 2 KiB, and on its lines in `log_batch` messages.
         *
         *         Null for a limit that is off.
         */
        WorkLimitNotice: {
            bytes_per_second: number | null;
            bytes_burst: number | null;
            lines_per_second: number | null;
            lines_burst: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
