// Generated from schema/ by `make schema`; do not edit.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * Ack
         * @description The message with this `id` is durable (or was a repeat).
         */
        Ack: {
            id: string | number;
        };
        /**
         * Action
         * @description What an admin can order in a `command`.
         * @enum {string}
         */
        Action: "cancel_job" | "drain_robot" | "pause_queue" | "restart_robot" | "resume_queue" | "resume_robot";
        /**
         * ActiveJob
         * @description A job that the robot holds, from before its `claimed` until its end was acknowledged.
         */
        ActiveJob: {
            job_id: string;
            attempt: number;
        };
        /**
         * AuthRefresh
         * @description A fresh token for a monitoring connection whose own is about to expire.
         */
        AuthRefresh: {
            token: string;
        };
        /**
         * CancelReceived
         * @description The robot has heard a `job_cancel` and begins to stop.
         */
        CancelReceived: {
            job_id: string;
            /** @default null */
            attempt?: number | null;
        };
        /**
         * Channel
         * @description What a dashboard subscribes to on /ws/admin.
         * @enum {string}
         */
        Channel: "jobs" | "queue" | "robots";
        /**
         * Command
         * @description An order of an admin: to a job, a robot or a queue, by the action.
         */
        Command: {
            action: components["schemas"]["Action"];
            target_id: string;
            /** @default null */
            reason?: string | null;
        };
        /**
         * Connected
         * @description The first message of every accepted connection of a robot.
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
        };
        /**
         * Error
         * @description Why something was refused; `id`, beside `type`, is that of the refused message.
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
         * @description The robot is alive; sent every 30 seconds and whenever its status changes.
         */
        Heartbeat: {
            robot_id: string;
            status: components["schemas"]["RobotStatus"];
            cpu_percent: number;
            memory_mb: number;
            /** @description RFC 3339 with any offset and precision; without an offset it is UTC. */
            timestamp: string;
            active_jobs?: components["schemas"]["ActiveJob"][];
        };
        /**
         * HeldJob
         * @description What the server believes the robot still holds.
         */
        HeldJob: {
            job_id: string;
            status: components["schemas"]["JobStatus"];
            attempt: number;
        };
        /**
         * Hello
         * @description A robot's optional introduction; without it the robot has its stored profile and one slot.
         */
        Hello: {
            instance_id: string;
            /** @default  */
            name?: string;
            /** @default  */
            version?: string;
            /** @default [] */
            capabilities?: string[];
            /** @default [] */
            tags?: string[];
            /** @default null */
            max_concurrent_jobs?: number | null;
            active_jobs?: components["schemas"]["ActiveJob"][];
            /** @default [] */
            features?: string[];
            log_journal?: string;
        };
        /**
         * JobAssign
         * @description A job is offered; the robot takes it with `claimed`. The same `(job_id, attempt)` may arrive twice.
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
            /** @default null */
            deadline?: string | null;
        };
        /**
         * JobCancel
         * @description Stop this job; with `force` by any means. The robot confirms with its end.
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
         * @description The robot will not take the offer; the job goes back to the queue.
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
         * @description How a job is getting on: `claimed` answers the assignment, then `running`, then `completed` or `failed`.
         */
        JobReport: {
            job_id: string;
            status: components["schemas"]["ReportStatus"];
            /** @description RFC 3339 with any offset and precision; without an offset it is UTC. */
            timestamp: string;
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
         * @description The five states of a job; nothing else is stored or sent.
         * @enum {string}
         */
        JobStatus: "claimed" | "completed" | "failed" | "pending" | "running";
        /**
         * JobUpdate
         * @description A job as it is now; sent at each change and at most twice a second for progress.
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
        };
        /**
         * Level
         * @description The four levels of the contract, in rising order.
         * @enum {string}
         */
        Level: "DEBUG" | "ERROR" | "INFO" | "WARNING";
        /**
         * LiveJob
         * @description A change of a job's state.
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
         * @description The snapshot is complete; what follows is numbered from the next position on.
         */
        LiveSnapshotEnd: {
            /** @constant */
            type: "snapshot_end";
            epoch: string;
            seq: number;
        };
        /**
         * LiveSubscribed
         * @description The same for /ws/monitoring/live-jobs with `?since=`.
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
         * @description Many lines at the price of one message.
         */
        LogBatch: {
            entries: components["schemas"]["RobotLog"][];
        };
        /**
         * LogMessage
         * @description One line of a robot, once it is stored.
         *
         *         Beside `type`: `log_id` is its place in the store, `seq` numbers the lines of its robot, and `dropped` counts lines
         *         that were left out before it, because the viewer read too slowly or came back too late.
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
         * @description Sent after 30 seconds in which the server had nothing else to say; asks for nothing.
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
         * @description How many jobs wait; every 5 seconds and on change.
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
         * @description The queue at a glance; on change, at most once a second, and at least every 5 seconds.
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
            /** @default [] */
            paused?: string[];
        };
        /**
         * RateLimitNotice
         * @description The limit of this connection; null in `connected` when it is switched off.
         */
        RateLimitNotice: {
            messages_per_second: number;
            burst: number;
        };
        /**
         * ReportStatus
         * @description What a robot can say of a job.
         * @enum {string}
         */
        ReportStatus: "claimed" | "completed" | "failed" | "running";
        /**
         * RobotCommand
         * @description An admin wants the robot to finish its jobs and start again.
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
         * @description What a robot is like; every 5 seconds and on change.
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
         * @description One line that a robot logs.
         */
        RobotLog: {
            robot_id: string;
            /** @description DEBUG, INFO, WARNING or ERROR in any case; WARN means WARNING, CRITICAL and FATAL mean ERROR. */
            level: string;
            message: string;
            /** @description RFC 3339 with any offset and precision; without an offset it is UTC. */
            timestamp: string;
            /** @default null */
            job_id?: string | null;
            /** @default null */
            node_id?: string | null;
            /** @default null */
            seq?: number | null;
        };
        /**
         * RobotState
         * @description What a robot is like, computed from its connection, its word and its jobs.
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
            /** @default null */
            last_heartbeat_at?: string | null;
            clock_skew_seconds?: number;
            draining?: boolean;
        };
        /**
         * RobotStatus
         * @description The three states of a robot, as it says it in a heartbeat and as viewers see it.
         * @enum {string}
         */
        RobotStatus: "busy" | "idle" | "offline";
        /**
         * SnapshotEnd
         * @description The snapshot is complete; what follows is numbered from the next position on.
         */
        SnapshotEnd: {
            epoch: string;
            seq: number;
        };
        /**
         * Subscribe
         * @description Adds channels: first a snapshot, then each change.
         */
        Subscribe: {
            channels: components["schemas"]["Channel"][];
            since?: string | null;
        };
        /**
         * Subscribed
         * @description To a dashboard that sent `since`: from this position on nothing is missing, if it was `recovered`.
         *
         *         Else a snapshot follows, up to `snapshot_end`.
         */
        Subscribed: {
            channel: components["schemas"]["Channel"];
            recovered: boolean;
            epoch: string;
            seq: number;
        };
        /**
         * Unsubscribe
         * @description Takes channels off again.
         */
        Unsubscribe: {
            channels: components["schemas"]["Channel"][];
        };
        /**
         * WaitReason
         * @description One thing that keeps a pending job waiting: a code for programs, a sentence for people.
         */
        WaitReason: {
            code: string;
            message: string;
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
