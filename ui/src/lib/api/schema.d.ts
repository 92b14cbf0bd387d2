// Made by `npm run types` from /openapi.json; not written by hand.

export interface paths {
    "/agent/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes what an agent says. The same callback twice has one effect and the same answer. */
        post: operations["take_callback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agent/reports/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The tenant's one ordered, resumable stream: `snapshot`, then `report`s; `ping` and `bye`. */
        get: operations["stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agent/tasks/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Claims due tasks, waiting for some if there are none. */
        post: operations["claim_tasks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agent/tasks/{task_id}/claim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Claims one task that a wake-up named; empty if somebody else has it. */
        post: operations["claim_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/agent/tasks/{task_id}/heartbeat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keeps a claim; says whether somebody wants the agent to stop. */
        post: operations["beat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alarm/ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says that somebody has seen tasks of the alarm box; `note` says what they do about it. */
        post: operations["ack_alarm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alarm/purge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Deletes tasks of the alarm box for good, as `POST /dlq/purge` does dead letters. */
        post: operations["purge_alarm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alarm/requeue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts tasks of the alarm box back to work, once their code or they themselves are resolved. */
        post: operations["requeue_alarm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alarm/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Acknowledges that the cause of a failure code, or of some failed tasks, is gone. Then they may be
         *     requeued although the code is an alarm code.
         */
        post: operations["resolve_failures"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the tenant's alerts, the newest first. */
        get: operations["list_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the messages of the tenant's alerts, the newest first. */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/routes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists where this tenant's alerts go: the server's routes, then the tenant's own. Where a route
         *     leads is cut short, for it is often a secret.
         */
        get: operations["list_routes"];
        /**
         * Asks for other routes of the tenant's own. A destination is a way out of the house, so this is the
         *     RED command `alerts.route`: nothing changes before a person has approved exactly these.
         */
        put: operations["put_routes"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/routes/{route}/secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a new signing secret for a webhook of the tenant's own, and shows it once. For a day the one
         *     before signs beside it, so that a receiver can change over.
         */
        post: operations["rotate_secret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sends a test to the tenant's destinations, whatever their events, once each, and answers what
         *     happened.
         */
        post: operations["send_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/alerts/{alert_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows an alert and what became of its messages. */
        get: operations["get_alert"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists asks, the newest first. */
        get: operations["list_asks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/approvals/{ask_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows an ask with everything that would be executed. */
        get: operations["get_ask"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/approvals/{ask_id}/decide": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Decides an ask. Exactly one decision wins; what follows comes by the stream. */
        post: operations["decide_ask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says what a one-time link is for, without using it. */
        post: operations["look_at_link"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Signs a person in. Wrong password, unknown and disabled user are one answer. */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends this session at once. */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/redeem": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Uses a one-time link: sets the password and signs its person in. */
        post: operations["redeem"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the person's sessions, the newest first. */
        get: operations["list_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends one of the person's sessions at once. */
        delete: operations["end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/commands/types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what can be asked for here. */
        get: operations["list_types"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/commands/types/{command_type}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Registers a type, or sets a level. A level must be confirmed by `?confirm={type}`. */
        put: operations["put_type"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/alarm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Moves dead letters to alarm: those that policy alarms, or, with `mode` `manual`, those that are
         *     named.
         */
        post: operations["alarm_dlq"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Applies the policy to the dead letters: alarm, hold, requeue, each up to its cap. Fit for cron. */
        post: operations["apply_dlq"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What is to be done about dead letters, by failure code. */
        get: operations["get_triage_policy"];
        /** Gives the tenant a triage policy of its own. Repeat the tenant as `?confirm={org}:{project}`. */
        put: operations["put_triage_policy"];
        post?: never;
        /**
         * Takes the tenant's own triage policy away: the one of the settings holds again. Repeat the tenant
         *     as `?confirm={org}:{project}`.
         */
        delete: operations["reset_triage_policy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/policy/simulate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a triage policy on what failed in the last days. Nothing is changed. */
        post: operations["simulate_triage_policy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/purge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deletes dead letters for good; how each failed goes to the audit log. More than `DLQ_RED_ABOVE` at
         *     once wait for a person's yes.
         */
        post: operations["purge_dlq"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/requeue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Puts dead letters back to work, as new runs. What is RED is asked for again. More than
         *     `DLQ_RED_ABOVE` at once wait for a person's yes.
         */
        post: operations["requeue_dlq"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/route": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Moves dead letters to hold: those that policy holds, or, with `mode` `manual`, those that are
         *     named.
         */
        post: operations["route_dlq"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/dlq/triage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says what the policy would do with dead letters. Nothing is changed. */
        post: operations["triage_dead_letters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The description as a page. */
        get: operations["get_docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How NEXUS is.
         * @description Answers 200 also when a dependency fails: it is for people; `/health/ready` is for balancers.
         */
        get: operations["get_health"];
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
         * Whether the process runs.
         * @description Touches nothing that it depends on.
         */
        get: operations["get_health_live"];
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
        /** Whether it can serve. */
        get: operations["get_health_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/hold/purge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Deletes held tasks for good, as `POST /dlq/purge` does dead letters. */
        post: operations["purge_hold"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/hold/requeue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts held tasks back to work, as `POST /dlq/requeue` does dead letters. */
        post: operations["requeue_hold"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the tenant's keys, never what proves them. */
        get: operations["list_keys"];
        put?: never;
        /** Makes a key for a program. The answer is the only one that shows it. */
        post: operations["create_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a key at once. Repeat its id as `?confirm=`. */
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/keys/{key_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a new key like the old one, which lives on for a while. */
        post: operations["rotate_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is signed in, and where they may do what. No tenant headers. */
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me/inbox": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists what waits for a decision in all tenants of the person, the newest first, at most 200. No
         *     tenant headers.
         */
        get: operations["inbox"];
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
         * Everything that is measured.
         * @description OpenMetrics text, as Prometheus reads it.
         */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The description of the API.
         * @description OpenAPI 3.1.
         */
        get: operations["get_openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists operations, the newest first. */
        get: operations["list_operations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/{operation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows an operation: how far it is, and how it ended. */
        get: operations["get_operation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/{operation_id}/abort": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Calls an operation off: what is done stays done, the rest is not touched. */
        post: operations["abort_operation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/{operation_id}/items": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the tasks of an operation, in its order, with what became of each. */
        get: operations["list_items"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/platform/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the alerts of the platform, the newest first. */
        get: operations["list_platform_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows the tenant's rules. */
        get: operations["get_policy"];
        /** Replaces the tenant's rules. Repeat the tenant as `?confirm={org}:{project}`. */
        put: operations["put_policy"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/policy/explain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Says how a command would be rated, and what decides it. Nothing is done. */
        post: operations["explain"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runbooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every failure code, with its titles and where its runbook stands. */
        get: operations["list_runbooks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/runbooks/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The runbook of a failure code: what it means, what to look at, what to do. */
        get: operations["get_runbook"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/schemas/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of the contract's JSON Schemas: `envelope.json`, `callback.json` or `report.json`. */
        get: operations["get_schema"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/sidecar/command": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a command. 202 as soon as it is on disk; what happens to it comes by the stream. */
        post: operations["send_command"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists tasks, the newest first. */
        get: operations["list_tasks"];
        put?: never;
        /** Creates a task. The same as a command, in other words. */
        post: operations["create_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows a task: how it stands, every attempt, its whole result, what it sent outside. */
        get: operations["get_task"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{task_id}/ask_again": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks again for a task whose ask expired, or that was refused as not what was approved. */
        post: operations["ask_again"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{task_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Calls a task off. One that runs is told so; another ends at once. */
        post: operations["cancel_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tasks/{task_id}/sent/{attempt}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The exact bytes that an attempt sent outside, or was about to. */
        get: operations["get_sent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tenant/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops all execution of the tenant at once. */
        post: operations["pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tenant/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets the tenant's execution go on. */
        post: operations["resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists all tenants. Only the platform admin; no tenant headers. */
        get: operations["list_tenants"];
        put?: never;
        /** Makes a tenant. Only the platform admin; no tenant headers. */
        post: operations["create_tenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/tenants/{org}/{project}/members/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Gives a member another role. Repeat their id as `?confirm=`. The path names the tenant; headers
         *     may repeat it.
         */
        put: operations["put_member"];
        post?: never;
        /** Ends a membership at once, open streams too. Repeat the id as `?confirm=`. */
        delete: operations["remove_member"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ui": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The console. */
        get: operations["get_console"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the members of the tenant. */
        get: operations["list_users"];
        put?: never;
        /**
         * Invites somebody into the tenant. Whoever has an account becomes a member at once; whoever has
         *     none gets a link, which this answer alone shows.
         */
        post: operations["invite_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Closes an account in all its tenants at once, open streams too, or opens it again. Only the
         *     platform admin; no tenant headers. Repeat the id as `?confirm=`.
         */
        put: operations["put_user"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/users/{user_id}/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a one-time link for a member: to come in by, or to set a new password. It takes an admin
         *     of every tenant that the member belongs to.
         */
        post: operations["link_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/worklog": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists worklog lines, the newest first; also those that the view has dropped. */
        get: operations["list_worklog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{box}/causes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the causes of what stands in a box, the largest first; at most the 1,000 largest of each
         *     tenant.
         */
        get: operations["causes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{box}/peek": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what stands in a box, what failed last first. */
        get: operations["peek"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/{box}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts what stands in a box by code, type, age and what the policy says. */
        get: operations["stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description All that a 202 says; what happens comes by the stream. */
        AcceptedOut: {
            /** @description As sent, or made. */
            correlation_id: string;
            /** @description `accepted`. */
            status: string;
            /** @description `tsk_…`. */
            task_id: string;
        };
        /** @description An account as it shall be. */
        AccountIn: {
            /** @description Whether nobody may sign in to it. */
            disabled: boolean;
        };
        /** @description Who has seen a failed task, and what they said. */
        AckOut: {
            /** Format: date-time */
            at: string;
            by: string;
            /** @description What they are called, if they are a person. */
            by_name?: string | null;
            note: string;
        };
        /**
         * @description What an operation does.
         * @enum {string}
         */
        Action: "requeue" | "route" | "alarm" | "purge" | "ack" | "apply";
        /** @description How many tasks failed so long ago. */
        AgeCount: {
            bucket: string;
            /** Format: int64 */
            count: number;
        };
        /** @description An alert as people read it; everything in it is masked. */
        AlertOut: {
            /** @description What to do. */
            advice: string;
            /** @description The same in Korean. */
            advice_ko: string;
            /** @description `alr_…`. */
            alert_id: string;
            /** @description The ask that it is about. */
            ask_id?: string | null;
            /** @description Ties it to what caused it. */
            correlation_id: string;
            /**
             * Format: int64
             * @description How often it happened so far.
             */
            count: number;
            /**
             * Format: date-time
             * @description When it happened first.
             */
            created_at: string;
            /** @description The messages that it brought. */
            deliveries: components["schemas"]["SentOut"][];
            /** @description `ask.created`, `task.held`, … */
            event: string;
            /** @description What else is known. */
            facts: components["schemas"]["FactOut"][];
            /** @description The failure that it is about; `GET /runbooks/{code}` says what to do. */
            failure_code?: string | null;
            /**
             * Format: date-time
             * @description When it happened last.
             */
            last_at: string;
            /** @description Who asked for what it is about. */
            requested_by?: string | null;
            /** @description `info`, `warning` or `critical`. */
            severity: string;
            /** @description The task that it is about. */
            task_id?: string | null;
            /** @description One sentence. */
            text: string;
            /** @description The same in Korean. */
            text_ko: string;
            /** @description The headline. */
            title: string;
            /** @description The same in Korean. */
            title_ko: string;
        };
        /** @description An alert with each message that it brought. */
        AlertWhole: {
            /** @description What to do. */
            advice: string;
            /** @description The same in Korean. */
            advice_ko: string;
            /** @description `alr_…`. */
            alert_id: string;
            /** @description The ask that it is about. */
            ask_id?: string | null;
            /** @description Ties it to what caused it. */
            correlation_id: string;
            /**
             * Format: int64
             * @description How often it happened so far.
             */
            count: number;
            /**
             * Format: date-time
             * @description When it happened first.
             */
            created_at: string;
            /** @description The messages that it brought. */
            deliveries: components["schemas"]["SentOut"][];
            /** @description `ask.created`, `task.held`, … */
            event: string;
            /** @description What else is known. */
            facts: components["schemas"]["FactOut"][];
            /** @description The failure that it is about; `GET /runbooks/{code}` says what to do. */
            failure_code?: string | null;
            /**
             * Format: date-time
             * @description When it happened last.
             */
            last_at: string;
            /** @description Who asked for what it is about. */
            requested_by?: string | null;
            /** @description `info`, `warning` or `critical`. */
            severity: string;
            /** @description The task that it is about. */
            task_id?: string | null;
            /** @description One sentence. */
            text: string;
            /** @description The same in Korean. */
            text_ko: string;
            /** @description The headline. */
            title: string;
            /** @description The same in Korean. */
            title_ko: string;
        } & {
            /** @description Each message, in full. */
            messages: components["schemas"]["DeliveryOut"][];
        };
        /** @description What policy says: alarm, hold, requeue. */
        ApplyIn: {
            /**
             * @description All of the box.
             * @default false
             */
            all: boolean;
            /**
             * @description Only say which tasks it would be.
             * @default false
             */
            dry_run: boolean;
            /** @default null */
            filter: components["schemas"]["FilterIn"] | null;
            /**
             * @description These tasks; one of `ids`, `filter` and `all` must be there.
             * @default null
             */
            ids: string[] | null;
            /**
             * Format: int64
             * @description The first so many of each tenant, those that failed first first.
             * @default null
             */
            limit: number | null;
            /**
             * Format: int64
             * @description Only what failed less than so many seconds ago; `DLQ_APPLY_MAX_AGE_SECONDS`.
             * @default null
             */
            max_age_seconds: number | null;
            /**
             * Format: int64
             * @description Most that are moved to alarm; `DLQ_APPLY_MAX_ALARM`.
             * @default null
             */
            max_alarm: number | null;
            /**
             * Format: int64
             * @description Most that are moved to hold; `DLQ_APPLY_MAX_HOLD`.
             * @default null
             */
            max_hold: number | null;
            /**
             * Format: int64
             * @description Most that are requeued; `DLQ_APPLY_MAX_REQUEUE`.
             * @default null
             */
            max_requeue: number | null;
            /**
             * @description For the record.
             * @default null
             */
            note: string | null;
            /**
             * Format: int64
             * @description Tasks a second, for what is not finished before the answer.
             * @default null
             */
            per_second: number | null;
        };
        /** @description The approval that an envelope carries. */
        Approval: {
            /** @description Who said yes. */
            approver: string;
            /** @description `ask_…`. */
            ask_id: string;
            /** @description Files that must be found unchanged. */
            bound: Record<string, never>[];
            /** @description SHA-256 of params and files; whoever executes computes it again. */
            digest: string;
        };
        /** @description An ask as people read it: everything that would be executed, and why it stopped. */
        AskOut: {
            /** @description Who said yes so far. */
            approvals: string[];
            /** @description Who may decide, if a rule says. */
            approvers?: string[] | null;
            /** @description `ask_…`. */
            ask_id: string;
            /** @description Files that must be found unchanged. */
            bound: Record<string, never>[];
            /** @description What is different from the ask before it. */
            changed?: string | null;
            /** @description What would be done. */
            command_type: string;
            /** @description Ties it to the request. */
            correlation_id: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was decided.
             */
            decided_at?: string | null;
            /** @description Who decided; `system:timeout` where nobody did in time. */
            decided_by?: string | null;
            /** @description What they were called then, if they are a person. */
            decided_by_name?: string | null;
            /** @description SHA-256 of params and files; a decision sends it back. */
            digest: string;
            /**
             * Format: date-time
             * @description When it is over.
             */
            expires_at: string;
            /** @description Whether characters that nobody sees were written out. */
            hidden_characters: boolean;
            /** @description With what; hidden characters are written out. Missing where the preview stands for it. */
            params?: unknown;
            /** @description Bytes of the params as they will be sent. */
            params_bytes: number;
            /** @description The beginning of params that are larger than 16 KiB; `GET /approvals/{ask_id}` has the whole. */
            params_preview?: string | null;
            /** @description One sentence: who wants to do what to whom. */
            question: string;
            /** @description The same in Korean. */
            question_ko: string;
            /**
             * Format: int32
             * @description Approvals needed.
             */
            quorum: number;
            /** @description What the decider said. */
            reason?: string | null;
            /** @description Who asked: `user:usr_…`, `service`, … */
            requested_by: string;
            /** @description What they were called then, if they are a person. */
            requested_by_name?: string | null;
            /** @description The level. */
            risk: string;
            /** @description What said so: `builtin`, `rule:{id}`, `override`, `caller`, `floor`. */
            rule: string;
            /** @description `pending`, `approved`, `denied`, `expired`, `superseded` or `cancelled`. */
            status: string;
            /** @description To whom, or on what. */
            target?: string | null;
            /** @description The task that waits. */
            task_id: string;
            /** @description `confirm`. */
            type: string;
            /** @description Why it stopped. */
            why: string;
        };
        /** @description That something was asked for; what happens comes by the stream. */
        Asked: {
            /** @description `accepted`. */
            status: string;
        };
        /** @description All that a 202 says; what happens comes by the stream. */
        AskedOut: {
            /** @description As sent, or made. */
            correlation_id: string;
            /** @description `accepted`. */
            status: string;
            /** @description The task that changes the routes once a person has said yes. */
            task_id: string;
        };
        /** @description One attempt that is over. */
        AttemptOut: {
            agent: string;
            /** @description The agent's own code. */
            agent_code?: string | null;
            /** Format: int32 */
            attempt: number;
            error?: string | null;
            failure_code?: string | null;
            /** Format: date-time */
            finished_at: string;
            /** @description `succeeded` or `failed`. */
            outcome: string;
            /** Format: date-time */
            started_at: string;
        };
        /** @description The tasks by what would be done to them. */
        ByAction: {
            alarm: string[];
            hold: string[];
            requeue: string[];
        };
        /** @description Why an attempt failed. */
        CallbackError: {
            /** @description One of the taxonomy, or the agent's own, which counts as `AGENT_ERROR` and is kept beside it. */
            failure_code: string;
            /** @description For a person. */
            message: string;
            /** @description Whether another attempt may help. For a RED task: whether it is sure that nothing left. */
            retryable?: boolean | null;
        };
        /** @description What an agent says about its attempt. */
        CallbackIn: {
            /** @description The agent's name. */
            agent: string;
            /** Format: int32 */
            attempt: number;
            attempt_token: string;
            error?: components["schemas"]["CallbackError"] | null;
            /**
             * Format: double
             * @description 0 to 1.
             */
            progress?: number | null;
            /** @description With `succeeded`: any JSON. */
            result?: Record<string, never> | null;
            /**
             * Format: date-time
             * @description When the agent sent it; for people.
             */
            sent_at?: string | null;
            /** @description `running`, `progress`, `succeeded` or `failed`. */
            status: components["schemas"]["CallbackStatus"];
            task_id: string;
            /** @description Lines for the worklog, at most 64. */
            worklog?: components["schemas"]["Line"][];
        };
        /**
         * @description How an attempt stands.
         * @enum {string}
         */
        CallbackStatus: "running" | "progress" | "succeeded" | "failed";
        /** @description What many failures have in common. */
        CauseOut: {
            /** @description Its name, for the filter `cause`. */
            cause: string;
            /** Format: int64 */
            count: number;
            failure_code: string;
            /** Format: date-time */
            first_failed_at: string;
            /** Format: date-time */
            last_failed_at: string;
            /** @description The error without what differs: `<n>`, `<id>`, `<url>`, `<path>`, `<text>`, … */
            message: string;
            /** @description A task that has it. */
            task_id: string;
            task_type: string;
            /** @description The tenant of that task. */
            tenant_id: string;
        };
        /** @description What came of one check. */
        CheckReport: {
            /**
             * Format: double
             * @description How long it took to answer.
             * @example 0.4
             */
            latency_ms: number;
            /**
             * @description The dependency.
             * @example store
             */
            name: string;
            /** @description Whether it works. */
            status: components["schemas"]["Status"];
        };
        /** @description What an agent wants to work on. */
        ClaimIn: {
            /** @description The agent's name in reports; 1 to 64 of `A-Z a-z 0-9 . _ -`. */
            agent: string;
            /**
             * Format: int32
             * @description 1 to 64.
             */
            max?: number;
            /** @description Command types, each of which the key allows. */
            types: string[];
            /**
             * Format: int32
             * @description Waits this long for something to come, 0 to 30.
             */
            wait_seconds?: number;
        };
        /** @description One task that a wake-up named. */
        ClaimOneIn: {
            /** @description The agent's name in reports. */
            agent: string;
        };
        /** @description What an agent got. */
        Claims: {
            /** @description Empty when the time is up. */
            tasks: components["schemas"]["Envelope"][];
        };
        /** @description How many tasks failed with a code. */
        CodeCount: {
            /** Format: int64 */
            count: number;
            failure_code: string;
            title: string;
            title_ko: string;
        };
        /** @description A command. */
        CommandIn: {
            /**
             * @description `share.webhook`; `GET /commands/types` lists them.
             * @example file.read
             */
            command_type: string;
            /** @description Ties everything together; made if missing. */
            correlation_id?: string | null;
            /**
             * Format: int32
             * @description After this many seconds it is worth nothing any more.
             */
            deadline_seconds?: number | null;
            /** @description What the type's schema asks for. */
            params: Record<string, never>;
            precondition?: components["schemas"]["Precondition"] | null;
            /**
             * Format: int64
             * @description −10 to 10; higher goes first.
             */
            priority?: number;
            /** @description The caller's own caution; it only raises the level. */
            risk?: string | null;
        };
        /** @description A decision. */
        DecisionIn: {
            /**
             * @description `approve` or `deny`.
             * @example approve
             */
            decision: string;
            /** @description The digest that you saw; 409 if it is not the ask's. */
            digest?: string | null;
            /** @description Approves with these params instead. */
            params?: Record<string, never> | null;
            /** @description For the requester; at most 2000 bytes. */
            reason?: string | null;
        };
        /** @description What the policy would do with some dead letters. */
        DecisionOut: {
            /** Format: int64 */
            count: number;
            /** @description Those that failed first, tenant by tenant; `count` says how many there are. */
            ids: string[];
            /** @description `requeue`, `hold`, `alarm` or `ignore`. */
            triage: string;
        };
        /** @description A delivery as people read it. */
        DeliveryOut: {
            /** @description The alert that it carries. */
            alert_id: string;
            /**
             * Format: int32
             * @description Attempts so far.
             */
            attempts: number;
            /** @description `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `email`. */
            channel: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description `dlv_…`, and the `webhook-id` of every attempt. */
            delivery_id: string;
            /** @description What went wrong last. */
            error?: string | null;
            /** @description `DELIVERY_FAILED` or `EGRESS_BLOCKED`, once it is given up. */
            failure_code?: string | null;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            /**
             * Format: date-time
             * @description When it is tried again.
             */
            next_at?: string | null;
            /** @description The route's name. */
            route: string;
            /** @description `pending`, `sent`, `failed` or `dropped` (its route is gone). */
            state: string;
            /**
             * Format: int32
             * @description What the destination answered last, if it speaks HTTP and did.
             */
            status?: number | null;
        };
        /** @description What the same request would touch without `dry_run`. */
        DryRunOut: {
            by_action?: components["schemas"]["ByAction"] | null;
            /** @description With `?tenant=*`: the same tasks by tenant. */
            by_tenant?: {
                [key: string]: string[];
            } | null;
            count: number;
            /** @description Exactly these tasks, in this order. */
            ids: string[];
            /** @description Ids that were asked for and that it would not take. */
            left_out?: string[];
        };
        /** @description An act on the outside world. */
        EffectOut: {
            /** Format: int32 */
            attempt: number;
            /** Format: int64 */
            bytes: number;
            /** @description SHA-256 of the exact bytes. */
            digest: string;
            /** Format: date-time */
            intended_at: string;
            /** @description Where the exact bytes are kept. */
            kept_at: string;
            /** Format: date-time */
            settled_at?: string | null;
            /** @description `intent` (nobody knows), `sent`, or `void` (nothing left). */
            state: string;
            target: string;
        };
        /** @description What an agent is handed. The field order is the order in which agents read about it. */
        Envelope: {
            approval?: components["schemas"]["Approval"] | null;
            /**
             * Format: int32
             * @description From 1; every callback names it.
             */
            attempt: number;
            /** @description Proves that a callback comes from this attempt. */
            attempt_token: string;
            /** @description Where callbacks go. */
            callback_url: string;
            /** @description Carries on. */
            correlation_id: string;
            /**
             * Format: date-time
             * @description When the attempt is over at the latest.
             */
            deadline: string;
            /**
             * Format: date-time
             * @description When it was claimed.
             */
            issued_at: string;
            /**
             * Format: date-time
             * @description Until when the claim holds without a heartbeat.
             */
            lease_until: string;
            /** @description With what; the bytes that were approved, if it is RED. */
            params: Record<string, never>;
            /** @description The level. */
            risk: string;
            /** @description `tsk_…`. */
            task_id: string;
            /** @description What to do. */
            task_type: string;
            /** @description `{org}:{project}`. */
            tenant: string;
            /** @description W3C trace context. */
            traceparent: string;
            /**
             * Format: int32
             * @description 1.
             */
            version: number;
        };
        /** @description A line of the worklog. */
        EnvelopeLine: {
            /** @description Who said it. */
            agent: string;
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description `info`, `warn` or `error`. */
            level: string;
            /** @description What. */
            text: string;
        };
        /** @description A command to explain. */
        ExplainIn: {
            command_type: string;
            params: Record<string, never>;
            risk?: string | null;
        };
        /** @description How a command would be rated. */
        Explanation: Record<string, never> & {
            /**
             * Format: int64
             * @description The version of the rules.
             */
            policy_version: number;
        };
        /** @description A fact beside an alert's text. */
        FactOut: {
            /** @description What it is. */
            name: string;
            /** @description The same in Korean. */
            name_ko: string;
            /** @description What it says. */
            value: string;
        };
        /** @description A task that failed for good. */
        FailureOut: {
            ack?: components["schemas"]["AckOut"] | null;
            agent?: string | null;
            /** @description What the agent itself called it. */
            agent_code?: string | null;
            /**
             * Format: int32
             * @description Attempts so far, of all runs.
             */
            attempts: number;
            /** @description Names what it has in common with others; `GET /{box}/causes` counts them. */
            cause: string;
            correlation_id: string;
            error: string;
            /** Format: date-time */
            failed_at: string;
            failure_code: string;
            /** @description What the code means, in English and Korean. */
            failure_title: string;
            failure_title_ko: string;
            /** @description Whether it may be requeued at all; not with an alarm code that nobody has resolved. */
            may_requeue: boolean;
            requested_by: string;
            /** @description What they were called then, if they are a person. */
            requested_by_name?: string | null;
            /**
             * Format: int32
             * @description Retries of this run.
             */
            retry_count: number;
            /** @description `GREEN`, `YELLOW` or `RED`. */
            risk: string;
            /**
             * Format: int32
             * @description How often it was put to work, from 1.
             */
            run: number;
            /** @description Where the code's runbook stands. */
            runbook: string;
            task_id: string;
            task_type: string;
            /** @description `{org}:{project}`. */
            tenant_id: string;
            /** @description What the policy says: `requeue`, `hold`, `alarm` or `ignore`. */
            triage: string;
        };
        /** @description One field that is wrong. */
        FieldError: {
            /** @description What is wrong with it. */
            message: string;
            /** @description JSON Pointer (RFC 6901) to the field. */
            path: string;
        };
        /** @description A file as it must be. */
        FileState: {
            /** @description Path below the tenant's folder. */
            path: string;
            /** @description SHA-256 in lower-case hex; `null` where there must be no file. */
            sha256?: string | null;
        };
        /** @description A filter as somebody sends it. Everything that is given must hold; nothing given means all. */
        FilterIn: {
            /**
             * @description Causes, as `GET /{box}/causes` names them: a list, or one text with commas.
             * @default []
             */
            cause: string[];
            /**
             * @description Failure codes: a list, or one text with commas.
             * @default []
             */
            failure_code: string[];
            /**
             * Format: int64
             * @description Failed less than so many seconds ago.
             * @default null
             */
            newer_than: number | null;
            /**
             * Format: int64
             * @description Failed at least so many seconds ago.
             * @default null
             */
            older_than: number | null;
            /**
             * @description Command types: a list, or one text with commas.
             * @default []
             */
            task_type: string[];
            /**
             * @description Stands in the error or in the agent's own code, upper and lower case alike; 2 to 200
             *     characters.
             * @default null
             */
            text: string | null;
        };
        /** @description The summary. */
        Health: {
            /** @description Each dependency. */
            checks: components["schemas"]["CheckReport"][];
            /** @description Whether every dependency works. */
            status: components["schemas"]["Status"];
            /**
             * Format: int64
             * @description Seconds since it was started.
             * @example 86400
             */
            uptime_seconds: number;
            /**
             * @description Which NEXUS runs.
             * @example 0.1.0
             */
            version: string;
        };
        /** @description Proof of the attempt. */
        HeartbeatIn: {
            /** Format: int32 */
            attempt: number;
            attempt_token: string;
        };
        /** @description How long the claim holds now. */
        HeartbeatOut: {
            /** @description Stop and report `failed`. */
            cancel: boolean;
            /** Format: date-time */
            lease_until: string;
        };
        /** @description Something that waits for the person. */
        InboxItem: {
            ask_id: string;
            command_type: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string;
            /** @description `ask`. */
            kind: string;
            /** @description Whether this person could say yes now. */
            may_decide: boolean;
            org_id: string;
            project_id: string;
            /** @description One sentence: who wants to do what to whom. */
            question: string;
            /** @description The same in Korean. */
            question_ko: string;
            task_id: string;
        };
        /** @description All that waits. */
        InboxOut: {
            items: components["schemas"]["InboxItem"][];
        };
        /** @description Somebody to invite. */
        InviteIn: {
            /** @example mina@example.com */
            email: string;
            /** @description What others call them, until they say otherwise. */
            name?: string | null;
            /** @example approver */
            role: string;
        };
        /** @description Somebody who was invited. */
        InvitedOut: {
            /** Format: date-time */
            expires_at?: string | null;
            /** @description The page by which they come in; works once. Missing for somebody who can sign in already. */
            link?: string | null;
            user_id: string;
        };
        /** @description A task of an operation. */
        ItemOut: {
            /** @description What is done to it. */
            action: components["schemas"]["Action"];
            outcome?: components["schemas"]["Outcome"] | null;
            /**
             * Format: int64
             * @description From 1, in the order in which they are dealt with.
             */
            position: number;
            task_id: string;
            /** @description Why it was skipped, or failed. */
            why?: string | null;
        };
        /** @description A key that was just made; `key` is never shown again. */
        KeyCreated: {
            key: string;
            key_id: string;
        };
        /** @description A key to make. */
        KeyIn: {
            /** @description An agent key of all tenants; only the platform admin. */
            all_tenants?: boolean;
            /**
             * Format: date-time
             * @description When the key ends by itself.
             */
            expires_at?: string | null;
            /** @description `service` or `agent`. */
            kind: string;
            /** @description For people. */
            title: string;
            /** @description Command types that an agent may claim. */
            types?: string[];
        };
        /** @description A key, without what proves it. */
        KeyOut: {
            all_tenants: boolean;
            /** Format: date-time */
            created_at: string;
            created_by: string;
            /** Format: date-time */
            expires_at?: string | null;
            key_id: string;
            kind: string;
            /** Format: date-time */
            last_used?: string | null;
            /** Format: date-time */
            revoked_at?: string | null;
            title: string;
            types: string[];
        };
        /**
         * @description How loud a line is.
         * @enum {string}
         */
        Level: "info" | "warn" | "error";
        /** @description A line for the worklog. */
        Line: {
            /** @description `info` unless said otherwise. */
            level?: components["schemas"]["Level"];
            /** @description What it says. */
            text: string;
        };
        /** @description A line as it was written. */
        LineOut: {
            /** @description Who said it. */
            agent: string;
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description Ties it to the request. */
            correlation_id: string;
            /** @description `wlg_…`. */
            id: string;
            /** @description `info`, `warn` or `error`. */
            level: string;
            /** @description Who asked for what it is about. */
            requested_by: string;
            /** @description About which task. */
            task_id?: string | null;
            /** @description What it says. */
            text: string;
        };
        /** @description A one-time link's token. */
        LinkIn: {
            /** @description What follows `/ui#/welcome/`. */
            token: string;
        };
        /** @description What a link is for. */
        LinkOut: {
            /** @description Whom it is for; null for a first admin, who chooses. */
            email?: string | null;
            /**
             * Format: date-time
             * @description When it works no more.
             */
            expires_at: string;
            /** @description What they are called so far. */
            name?: string | null;
            /** @description `first_admin`, `invite` or `reset`. */
            purpose: string;
        };
        /** @description That the process runs. */
        Liveness: {
            /** @description Always `ok`. */
            status: components["schemas"]["Status"];
        };
        /** @description Who signs in. */
        LoginIn: {
            /** @description For browsers: the session comes as a cookie, not in the answer. */
            cookie?: boolean;
            /**
             * @description Of the account.
             * @example mina@example.com
             */
            email: string;
            /** @description At most 1024 bytes. */
            password: string;
        };
        /** @description A member. */
        MemberOut: {
            /**
             * Format: date-time
             * @description Since when they belong to the tenant.
             */
            created_at: string;
            /** @description Whether they may not sign in. */
            disabled: boolean;
            email: string;
            /** Format: date-time */
            last_login?: string | null;
            name: string;
            /** @description `viewer`, `operator`, `approver` or `admin`. */
            role: string;
            /** @description `usr_…`. */
            user_id: string;
        };
        /** @description All members. */
        MembersOut: {
            users: components["schemas"]["MemberOut"][];
        };
        /** @description A tenant that the person belongs to. */
        MembershipOut: {
            org_id: string;
            /** @description Whether all execution stands still. */
            paused: boolean;
            project_id: string;
            /** @description `viewer`, `operator`, `approver` or `admin`. */
            role: string;
            title: string;
        };
        /**
         * @description Who chooses.
         * @enum {string}
         */
        Mode: "manual" | "auto";
        /** @description To hold, or to alarm. */
        MoveIn: {
            /**
             * @description All of the box.
             * @default false
             */
            all: boolean;
            /**
             * @description Only say which tasks it would be.
             * @default false
             */
            dry_run: boolean;
            /** @default null */
            filter: components["schemas"]["FilterIn"] | null;
            /**
             * @description These tasks; one of `ids`, `filter` and `all` must be there.
             * @default null
             */
            ids: string[] | null;
            /**
             * Format: int64
             * @description The first so many of each tenant, those that failed first first.
             * @default null
             */
            limit: number | null;
            /** @default null */
            mode: components["schemas"]["Mode"] | null;
            /**
             * @description For the record.
             * @default null
             */
            note: string | null;
            /**
             * Format: int64
             * @description Tasks a second, for what is not finished before the answer.
             * @default null
             */
            per_second: number | null;
        };
        /** @description A link that was just made. */
        NewLinkOut: {
            /** Format: date-time */
            expires_at: string;
            /** @description The page that takes it; works once. */
            link: string;
            /** @description `invite` for somebody who never signed in, else `reset`. */
            purpose: string;
        };
        /** @description What an operation was accepted as. */
        OperatedOut: {
            /** @description The ask of that command. */
            ask_id?: string | null;
            /**
             * Format: int64
             * @description Tasks that it takes.
             */
            count: number;
            /**
             * @description Ids that were asked for and that it does not take: they are not in the box, or policy does not
             *     say this about them.
             */
            left_out?: string[];
            /** @description `op_…`; `GET /operations/{operation_id}` says how far it is, and so does the stream. */
            operation_id: string;
            /** @description The command that waits for a person's yes, because it takes many. */
            task_id?: string | null;
            /** @description `{org}:{project}`. */
            tenant_id: string;
        };
        /** @description An operation as people read it. */
        OperationOut: {
            /** @description What it does. */
            action: components["schemas"]["Action"];
            /** @description The ask of that command. */
            ask_id?: string | null;
            /** @description The box that its tasks come from. */
            box: string;
            /**
             * Format: int64
             * @description Tasks whose end is waited for before the rest.
             */
            canary?: number | null;
            /**
             * Format: int64
             * @description Tasks that were changed as asked.
             */
            changed: number;
            /** @description Ties it to the request. */
            correlation_id: string;
            /**
             * Format: int64
             * @description Its tasks, fixed when it was accepted.
             */
            count: number;
            /**
             * Format: date-time
             * @description When it was accepted.
             */
            created_at: string;
            /** @description SHA-256 of the tasks' ids, one a line, in order. */
            digest: string;
            /**
             * Format: int64
             * @description Tasks that were dealt with: `changed`, `skipped` and `failed` together.
             */
            done: number;
            /**
             * Format: int64
             * @description Tasks that could not be changed and lie where they lay.
             */
            failed: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            finished_at?: string | null;
            /** @description What whoever asked for it wrote. */
            note?: string | null;
            /** @description `op_…`. */
            operation_id: string;
            /**
             * Format: int64
             * @description Tasks a second; missing where it goes as fast as it can.
             */
            per_second?: number | null;
            /** @description Who asked for it; `system:schedule` for what runs by itself. */
            requested_by: string;
            /** @description What they were called then, if they are a person. */
            requested_by_name?: string | null;
            /**
             * Format: int64
             * @description Tasks that had left the box meanwhile, or may not be touched any more.
             */
            skipped: number;
            /** @description Where it stands. */
            status: components["schemas"]["OperationStatus"];
            /** @description The command that waits for a yes, where there is one. */
            task_id?: string | null;
            /** @description `{org}:{project}`. */
            tenant_id: string;
            /** @description Why it stopped, or what it waits for. */
            why?: string | null;
        };
        /**
         * @description Where an operation stands.
         * @enum {string}
         */
        OperationStatus: "waiting_approval" | "running" | "stopped" | "aborted" | "done";
        /**
         * @description What became of one task.
         * @enum {string}
         */
        Outcome: "changed" | "skipped" | "failed";
        /** @description One of the person's own sessions. */
        OwnSessionOut: {
            /** Format: date-time */
            created_at: string;
            /** @description Whether it is the one that asks. */
            current: boolean;
            /** Format: date-time */
            expires_at: string;
            /** Format: date-time */
            last_seen: string;
            peer: string;
            session_id: string;
            user_agent: string;
        };
        /** @description All of them that live. */
        OwnSessionsOut: {
            sessions: components["schemas"]["OwnSessionOut"][];
        };
        /** @description One page of a list. */
        Page_AlertOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description What to do. */
                advice: string;
                /** @description The same in Korean. */
                advice_ko: string;
                /** @description `alr_…`. */
                alert_id: string;
                /** @description The ask that it is about. */
                ask_id?: string | null;
                /** @description Ties it to what caused it. */
                correlation_id: string;
                /**
                 * Format: int64
                 * @description How often it happened so far.
                 */
                count: number;
                /**
                 * Format: date-time
                 * @description When it happened first.
                 */
                created_at: string;
                /** @description The messages that it brought. */
                deliveries: components["schemas"]["SentOut"][];
                /** @description `ask.created`, `task.held`, … */
                event: string;
                /** @description What else is known. */
                facts: components["schemas"]["FactOut"][];
                /** @description The failure that it is about; `GET /runbooks/{code}` says what to do. */
                failure_code?: string | null;
                /**
                 * Format: date-time
                 * @description When it happened last.
                 */
                last_at: string;
                /** @description Who asked for what it is about. */
                requested_by?: string | null;
                /** @description `info`, `warning` or `critical`. */
                severity: string;
                /** @description The task that it is about. */
                task_id?: string | null;
                /** @description One sentence. */
                text: string;
                /** @description The same in Korean. */
                text_ko: string;
                /** @description The headline. */
                title: string;
                /** @description The same in Korean. */
                title_ko: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_AskOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description Who said yes so far. */
                approvals: string[];
                /** @description Who may decide, if a rule says. */
                approvers?: string[] | null;
                /** @description `ask_…`. */
                ask_id: string;
                /** @description Files that must be found unchanged. */
                bound: Record<string, never>[];
                /** @description What is different from the ask before it. */
                changed?: string | null;
                /** @description What would be done. */
                command_type: string;
                /** @description Ties it to the request. */
                correlation_id: string;
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /**
                 * Format: date-time
                 * @description When it was decided.
                 */
                decided_at?: string | null;
                /** @description Who decided; `system:timeout` where nobody did in time. */
                decided_by?: string | null;
                /** @description What they were called then, if they are a person. */
                decided_by_name?: string | null;
                /** @description SHA-256 of params and files; a decision sends it back. */
                digest: string;
                /**
                 * Format: date-time
                 * @description When it is over.
                 */
                expires_at: string;
                /** @description Whether characters that nobody sees were written out. */
                hidden_characters: boolean;
                /** @description With what; hidden characters are written out. Missing where the preview stands for it. */
                params?: unknown;
                /** @description Bytes of the params as they will be sent. */
                params_bytes: number;
                /** @description The beginning of params that are larger than 16 KiB; `GET /approvals/{ask_id}` has the whole. */
                params_preview?: string | null;
                /** @description One sentence: who wants to do what to whom. */
                question: string;
                /** @description The same in Korean. */
                question_ko: string;
                /**
                 * Format: int32
                 * @description Approvals needed.
                 */
                quorum: number;
                /** @description What the decider said. */
                reason?: string | null;
                /** @description Who asked: `user:usr_…`, `service`, … */
                requested_by: string;
                /** @description What they were called then, if they are a person. */
                requested_by_name?: string | null;
                /** @description The level. */
                risk: string;
                /** @description What said so: `builtin`, `rule:{id}`, `override`, `caller`, `floor`. */
                rule: string;
                /** @description `pending`, `approved`, `denied`, `expired`, `superseded` or `cancelled`. */
                status: string;
                /** @description To whom, or on what. */
                target?: string | null;
                /** @description The task that waits. */
                task_id: string;
                /** @description `confirm`. */
                type: string;
                /** @description Why it stopped. */
                why: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_CauseOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description Its name, for the filter `cause`. */
                cause: string;
                /** Format: int64 */
                count: number;
                failure_code: string;
                /** Format: date-time */
                first_failed_at: string;
                /** Format: date-time */
                last_failed_at: string;
                /** @description The error without what differs: `<n>`, `<id>`, `<url>`, `<path>`, `<text>`, … */
                message: string;
                /** @description A task that has it. */
                task_id: string;
                task_type: string;
                /** @description The tenant of that task. */
                tenant_id: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_DeliveryOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description The alert that it carries. */
                alert_id: string;
                /**
                 * Format: int32
                 * @description Attempts so far.
                 */
                attempts: number;
                /** @description `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `email`. */
                channel: string;
                /**
                 * Format: date-time
                 * @description When it was made.
                 */
                created_at: string;
                /** @description `dlv_…`, and the `webhook-id` of every attempt. */
                delivery_id: string;
                /** @description What went wrong last. */
                error?: string | null;
                /** @description `DELIVERY_FAILED` or `EGRESS_BLOCKED`, once it is given up. */
                failure_code?: string | null;
                /**
                 * Format: date-time
                 * @description When it ended.
                 */
                finished_at?: string | null;
                /**
                 * Format: date-time
                 * @description When it is tried again.
                 */
                next_at?: string | null;
                /** @description The route's name. */
                route: string;
                /** @description `pending`, `sent`, `failed` or `dropped` (its route is gone). */
                state: string;
                /**
                 * Format: int32
                 * @description What the destination answered last, if it speaks HTTP and did.
                 */
                status?: number | null;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_FailureOut: {
            /** @description The items, in the list's order. */
            items: {
                ack?: components["schemas"]["AckOut"] | null;
                agent?: string | null;
                /** @description What the agent itself called it. */
                agent_code?: string | null;
                /**
                 * Format: int32
                 * @description Attempts so far, of all runs.
                 */
                attempts: number;
                /** @description Names what it has in common with others; `GET /{box}/causes` counts them. */
                cause: string;
                correlation_id: string;
                error: string;
                /** Format: date-time */
                failed_at: string;
                failure_code: string;
                /** @description What the code means, in English and Korean. */
                failure_title: string;
                failure_title_ko: string;
                /** @description Whether it may be requeued at all; not with an alarm code that nobody has resolved. */
                may_requeue: boolean;
                requested_by: string;
                /** @description What they were called then, if they are a person. */
                requested_by_name?: string | null;
                /**
                 * Format: int32
                 * @description Retries of this run.
                 */
                retry_count: number;
                /** @description `GREEN`, `YELLOW` or `RED`. */
                risk: string;
                /**
                 * Format: int32
                 * @description How often it was put to work, from 1.
                 */
                run: number;
                /** @description Where the code's runbook stands. */
                runbook: string;
                task_id: string;
                task_type: string;
                /** @description `{org}:{project}`. */
                tenant_id: string;
                /** @description What the policy says: `requeue`, `hold`, `alarm` or `ignore`. */
                triage: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_ItemOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description What is done to it. */
                action: components["schemas"]["Action"];
                outcome?: components["schemas"]["Outcome"] | null;
                /**
                 * Format: int64
                 * @description From 1, in the order in which they are dealt with.
                 */
                position: number;
                task_id: string;
                /** @description Why it was skipped, or failed. */
                why?: string | null;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_LineOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description Who said it. */
                agent: string;
                /**
                 * Format: date-time
                 * @description When.
                 */
                at: string;
                /** @description Ties it to the request. */
                correlation_id: string;
                /** @description `wlg_…`. */
                id: string;
                /** @description `info`, `warn` or `error`. */
                level: string;
                /** @description Who asked for what it is about. */
                requested_by: string;
                /** @description About which task. */
                task_id?: string | null;
                /** @description What it says. */
                text: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_OperationOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description What it does. */
                action: components["schemas"]["Action"];
                /** @description The ask of that command. */
                ask_id?: string | null;
                /** @description The box that its tasks come from. */
                box: string;
                /**
                 * Format: int64
                 * @description Tasks whose end is waited for before the rest.
                 */
                canary?: number | null;
                /**
                 * Format: int64
                 * @description Tasks that were changed as asked.
                 */
                changed: number;
                /** @description Ties it to the request. */
                correlation_id: string;
                /**
                 * Format: int64
                 * @description Its tasks, fixed when it was accepted.
                 */
                count: number;
                /**
                 * Format: date-time
                 * @description When it was accepted.
                 */
                created_at: string;
                /** @description SHA-256 of the tasks' ids, one a line, in order. */
                digest: string;
                /**
                 * Format: int64
                 * @description Tasks that were dealt with: `changed`, `skipped` and `failed` together.
                 */
                done: number;
                /**
                 * Format: int64
                 * @description Tasks that could not be changed and lie where they lay.
                 */
                failed: number;
                /**
                 * Format: date-time
                 * @description When it ended.
                 */
                finished_at?: string | null;
                /** @description What whoever asked for it wrote. */
                note?: string | null;
                /** @description `op_…`. */
                operation_id: string;
                /**
                 * Format: int64
                 * @description Tasks a second; missing where it goes as fast as it can.
                 */
                per_second?: number | null;
                /** @description Who asked for it; `system:schedule` for what runs by itself. */
                requested_by: string;
                /** @description What they were called then, if they are a person. */
                requested_by_name?: string | null;
                /**
                 * Format: int64
                 * @description Tasks that had left the box meanwhile, or may not be touched any more.
                 */
                skipped: number;
                /** @description Where it stands. */
                status: components["schemas"]["OperationStatus"];
                /** @description The command that waits for a yes, where there is one. */
                task_id?: string | null;
                /** @description `{org}:{project}`. */
                tenant_id: string;
                /** @description Why it stopped, or what it waits for. */
                why?: string | null;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_RunbookOut: {
            /** @description The items, in the list's order. */
            items: {
                /**
                 * @description The code.
                 * @example PROVIDER_TIMEOUT
                 */
                code: string;
                /** @description Whether NEXUS tries a task that failed so again by itself, unless its agent says otherwise. */
                retryable: boolean;
                title_en: string;
                title_ko: string;
                /**
                 * @description Where such a task ends when no more tries are left: `dead` or `held`.
                 * @example dead
                 */
                triage: string;
                /**
                 * @description Its runbook: below `RUNBOOK_BASE_URL`, or the path on this server.
                 * @example /runbooks/PROVIDER_TIMEOUT
                 */
                url: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_TaskOut: {
            /** @description The items, in the list's order. */
            items: {
                agent?: string | null;
                ask_id?: string | null;
                /** Format: int32 */
                attempt: number;
                cancel_requested: boolean;
                command_type: string;
                correlation_id: string;
                /** Format: date-time */
                created_at: string;
                /** Format: date-time */
                deadline_at?: string | null;
                failure_code?: string | null;
                /** @description What the code means, in English and Korean. */
                failure_title?: string | null;
                failure_title_ko?: string | null;
                /** Format: date-time */
                finished_at?: string | null;
                last_error?: string | null;
                params: Record<string, never>;
                /** Format: int64 */
                priority: number;
                /** Format: double */
                progress?: number | null;
                /** @description `user:usr_…`, `service`, `admin`, … */
                requested_by: string;
                /** @description What they were called then, if they are a person. */
                requested_by_name?: string | null;
                /** @description Whole, whatever its size. Missing in listings. */
                result?: Record<string, never> | null;
                /** Format: int32 */
                retry_count: number;
                risk: string;
                /** @description What decided the level. */
                rule: string;
                /**
                 * Format: int32
                 * @description How often somebody put it to work, from 1: a requeue begins a new run.
                 */
                run: number;
                /** Format: date-time */
                started_at?: string | null;
                status: string;
                task_id: string;
                /** Format: date-time */
                updated_at: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description One page of a list. */
        Page_TypeOut: {
            /** @description The items, in the list's order. */
            items: {
                /** @description The agent in this server, or `outside`. */
                agent: string;
                command_type: string;
                /**
                 * Format: int32
                 * @description How many of it run at once in this tenant, if the type itself says so.
                 */
                concurrency?: number | null;
                /** @description Why not, if not. */
                disabled_because?: string | null;
                /** @description Whether it can be used here. */
                enabled: boolean;
                /** @description Whether nothing takes it below RED. */
                floor: boolean;
                params_schema: Record<string, never>;
                /** @description The level before rules and the caller's own caution. */
                risk: string;
                /** Format: int64 */
                timeout_seconds: number;
                title_en: string;
                title_ko: string;
            }[];
            /** @description The `cursor` of the next page; absent on the last. */
            next?: string | null;
        };
        /** @description New rules. */
        PolicyIn: {
            /** @description All rules; they replace those that are there. */
            rules: Record<string, never>[];
            /**
             * Format: int64
             * @description The version that these rules change; 409 if it is another by now.
             */
            version?: number | null;
        };
        /** @description The tenant's policy. */
        PolicyOut: {
            rules: Record<string, never>[];
            /**
             * Format: int64
             * @description Goes up by one with each change; 0 before the first.
             */
            version: number;
        };
        /**
         * @description What a caller expects of the world; checked when the command is accepted and again just before
         *     it runs.
         */
        Precondition: {
            /** @description Files of the tenant as they must be. */
            files: components["schemas"]["FileState"][];
        };
        /** @description A refusal: what happened and what to do, never internals. */
        Problem: {
            /** @description The ask that a refused decision was about. */
            ask_id?: string | null;
            /** @description Machine-readable and stable. */
            code: string;
            /** @description Ties the refusal to log lines and audit entries. */
            correlation_id?: string | null;
            /** @description What happened and what to do. */
            detail: string;
            /** @description Each field that is wrong. */
            errors?: components["schemas"]["FieldError"][];
            /**
             * Format: int32
             * @description HTTP status.
             */
            status: number;
            /** @description The status in words. */
            title: string;
            /** @description `https://nexus.dev/problems/{code}`; a name, not necessarily a page. */
            type: string;
        };
        /** @description Whether it can serve. */
        Readiness: {
            /** @description Each dependency. */
            checks: components["schemas"]["CheckReport"][];
            /** @description Whether every dependency works. */
            status: components["schemas"]["Status"];
        };
        /** @description Uses a link up. */
        RedeemIn: {
            /** @description For browsers: the session comes as a cookie, not in the answer. */
            cookie?: boolean;
            /** @description Only for a first admin. */
            email?: string | null;
            /** @description What others call you; 1 to 100 characters. */
            name?: string | null;
            /** @description At least 8 characters with a special one, at most 1024 bytes, not one that is tried first. */
            password: string;
            /** @description The link's token. */
            token: string;
        };
        /** @description Back to work. */
        RequeueIn: {
            /**
             * @description All of the box.
             * @default false
             */
            all: boolean;
            /**
             * Format: int64
             * @description So many first; the rest when they have ended, unless too many of them failed again.
             * @default null
             */
            canary: number | null;
            /**
             * @description `nothing_was_sent`: that is so of every task whose effect is unknown.
             * @default null
             */
            confirm: string | null;
            /**
             * @description Only say which tasks it would be.
             * @default false
             */
            dry_run: boolean;
            /** @default null */
            filter: components["schemas"]["FilterIn"] | null;
            /**
             * @description These tasks; one of `ids`, `filter` and `all` must be there.
             * @default null
             */
            ids: string[] | null;
            /**
             * Format: int64
             * @description The first so many of each tenant, those that failed first first.
             * @default null
             */
            limit: number | null;
            /** @default null */
            mode: components["schemas"]["Mode"] | null;
            /**
             * @description For the record.
             * @default null
             */
            note: string | null;
            /**
             * Format: int64
             * @description Tasks a second, for what is not finished before the answer.
             * @default null
             */
            per_second: number | null;
        };
        /** @description What is resolved: a code, or some tasks. */
        ResolveIn: {
            /** @description What failed with it until now may be requeued; what fails later may not. */
            failure_code?: string | null;
            /** @description At most 100 tasks, in any box. */
            ids?: string[] | null;
            /** @description What was done about it: 1 to 500 characters. */
            note: string;
        };
        /** @description What may be requeued again. */
        ResolveOut: {
            /**
             * Format: int64
             * @description Tasks in the boxes that this is about.
             */
            count: number;
            /** @description Ids that were asked for and stand in no box here. */
            missing?: string[];
            /** Format: date-time */
            resolved_at: string;
        };
        /** @description A code whose cause is said to be gone. */
        ResolvedCodeOut: {
            /** Format: date-time */
            at: string;
            by: string;
            /** @description What they are called, if they are a person. */
            by_name?: string | null;
            failure_code: string;
            note: string;
        };
        /** @description A role to give. */
        RoleIn: {
            /** @example operator */
            role: string;
        };
        /** @description A membership as it is now. */
        RoleOut: {
            role: string;
            user_id: string;
        };
        /** @description How to rotate. */
        RotateIn: {
            /**
             * Format: int32
             * @description How long the old key lives on; a day unless said otherwise.
             */
            overlap_seconds?: number | null;
        };
        /** @description A route as it may be shown. */
        RouteOut: {
            /** @description `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `email`. */
            channel: string;
            /** @description Globs of event names. */
            events: string[];
            /** @description `en` or `ko`. */
            language: string;
            /** @description What people call it. */
            name: string;
            /** @description `server` for one out of the settings, `tenant` for one of the tenant's own. */
            of: string;
            /** @description At least this severe. */
            severity: string;
            /** @description Where it leads, cut short. */
            to: string;
        };
        /** @description The routes that a tenant wants. */
        RoutesIn: {
            /** @description Every route of the tenant's own; those that are not here are gone. */
            routes: Record<string, never>[];
        };
        /** @description Every route that takes this tenant's alerts. */
        RoutesOut: {
            items: components["schemas"]["RouteOut"][];
        };
        /** @description A failure code and where its runbook stands. */
        RunbookOut: {
            /**
             * @description The code.
             * @example PROVIDER_TIMEOUT
             */
            code: string;
            /** @description Whether NEXUS tries a task that failed so again by itself, unless its agent says otherwise. */
            retryable: boolean;
            title_en: string;
            title_ko: string;
            /**
             * @description Where such a task ends when no more tries are left: `dead` or `held`.
             * @example dead
             */
            triage: string;
            /**
             * @description Its runbook: below `RUNBOOK_BASE_URL`, or the path on this server.
             * @example /runbooks/PROVIDER_TIMEOUT
             */
            url: string;
        };
        /** @description A new signing secret. */
        SecretOut: {
            /** @description The route. */
            name: string;
            /**
             * Format: int64
             * @description Until then the one before signs too.
             */
            overlap_seconds: number;
            /** @description `whsec_…`, shown only now. */
            secret: string;
        };
        /** @description Where a message of an alert stands. */
        SentOut: {
            /** @description `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `email`. */
            channel: string;
            /** @description The route's name. */
            route: string;
            /** @description `pending`, `sent`, `failed` or `dropped`. */
            state: string;
        };
        /** @description A session, as an answer to its owner names it. */
        SessionOut: {
            /**
             * Format: date-time
             * @description When it ends at the latest; earlier if nothing is done in it.
             */
            expires_at: string;
            /** @description `ses_…`. */
            session_id: string;
        };
        /** @description Who is signed in, and where they may do what. */
        SignedOut: {
            /** @description Send it as `Authorization: Bearer`. Missing where the session came as a cookie. */
            access_token?: string | null;
            /** @description Send it as `x-csrf-token` with every write by cookie. */
            csrf_token: string;
            memberships: components["schemas"]["MembershipOut"][];
            session: components["schemas"]["SessionOut"];
            user: components["schemas"]["UserOut"];
        };
        /** @description A policy to try. */
        SimulateIn: {
            /**
             * Format: int32
             * @description Days of UTC, today among them: 1 to 90; 7 unless said otherwise.
             */
            days?: number;
            policy: components["schemas"]["TriagePolicyIn"];
        };
        /** @description What a policy would do with what failed. */
        SimulateOut: {
            /** @description By code, the most frequent first. */
            by_code: components["schemas"]["SimulatedCode"][];
            /** @description Codes that would be decided otherwise, also where none of them failed. */
            changed: string[];
            /**
             * Format: int64
             * @description Tasks that failed for good in these days, also those that were dealt with since.
             */
            count: number;
            /** Format: int32 */
            days: number;
            /** @description How many of them the present policy decides how. */
            now: Record<string, never>;
            /** @description How many the tried one would. */
            then: Record<string, never>;
        };
        /** @description What a policy would do about a code. */
        SimulatedCode: {
            /** Format: int64 */
            count: number;
            failure_code: string;
            now: string;
            then: string;
            title: string;
            title_ko: string;
        };
        /** @description How much of what stands in a box. The largest of each list comes first. */
        StatsOut: {
            /** @description How long ago they failed: `1h`, `24h`, `7d`, `30d`, `older`; each task stands in one. */
            by_age: components["schemas"]["AgeCount"][];
            by_code: components["schemas"]["CodeCount"][];
            by_triage: components["schemas"]["TriageCount"][];
            by_type: components["schemas"]["TypeCount"][];
            /** Format: int64 */
            count: number;
        };
        /**
         * @description Whether something works.
         * @enum {string}
         */
        Status: "ok" | "failed";
        /** @description Away for good, or seen. */
        TakeIn: {
            /**
             * @description All of the box.
             * @default false
             */
            all: boolean;
            /**
             * @description Only say which tasks it would be.
             * @default false
             */
            dry_run: boolean;
            /** @default null */
            filter: components["schemas"]["FilterIn"] | null;
            /**
             * @description These tasks; one of `ids`, `filter` and `all` must be there.
             * @default null
             */
            ids: string[] | null;
            /**
             * Format: int64
             * @description The first so many of each tenant, those that failed first first.
             * @default null
             */
            limit: number | null;
            /**
             * @description For the record.
             * @default null
             */
            note: string | null;
            /**
             * Format: int64
             * @description Tasks a second, for what is not finished before the answer.
             * @default null
             */
            per_second: number | null;
        };
        /** @description A task with its history. */
        TaskDetail: components["schemas"]["TaskOut"] & {
            attempts: components["schemas"]["AttemptOut"][];
            failure?: components["schemas"]["Envelope"] | null;
            /** @description What was sent outside. */
            sent: components["schemas"]["EffectOut"][];
        };
        /** @description A task, for programs that want one without the sidecar words. */
        TaskIn: {
            /** @description Ties everything together; made if missing. */
            correlation_id?: string | null;
            /**
             * Format: int32
             * @description After this many seconds it is worth nothing any more.
             */
            deadline_seconds?: number | null;
            /** @description What the type's schema asks for. */
            params: Record<string, never>;
            precondition?: components["schemas"]["Precondition"] | null;
            /**
             * Format: int64
             * @description −10 to 10; higher goes first.
             */
            priority?: number;
            /** @description The caller's own caution; it only raises the level. */
            risk?: string | null;
            /**
             * @description The same as a command's `command_type`.
             * @example file.read
             */
            task_type: string;
        };
        /** @description A task. */
        TaskOut: {
            agent?: string | null;
            ask_id?: string | null;
            /** Format: int32 */
            attempt: number;
            cancel_requested: boolean;
            command_type: string;
            correlation_id: string;
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            deadline_at?: string | null;
            failure_code?: string | null;
            /** @description What the code means, in English and Korean. */
            failure_title?: string | null;
            failure_title_ko?: string | null;
            /** Format: date-time */
            finished_at?: string | null;
            last_error?: string | null;
            params: Record<string, never>;
            /** Format: int64 */
            priority: number;
            /** Format: double */
            progress?: number | null;
            /** @description `user:usr_…`, `service`, `admin`, … */
            requested_by: string;
            /** @description What they were called then, if they are a person. */
            requested_by_name?: string | null;
            /** @description Whole, whatever its size. Missing in listings. */
            result?: Record<string, never> | null;
            /** Format: int32 */
            retry_count: number;
            risk: string;
            /** @description What decided the level. */
            rule: string;
            /**
             * Format: int32
             * @description How often somebody put it to work, from 1: a requeue begins a new run.
             */
            run: number;
            /** Format: date-time */
            started_at?: string | null;
            status: string;
            task_id: string;
            /** Format: date-time */
            updated_at: string;
        };
        /** @description A tenant to make. */
        TenantIn: {
            /** @description 1 to 64 of `A-Z a-z 0-9 . _ -`. */
            org_id: string;
            /** @description 1 to 64 of `A-Z a-z 0-9 . _ -`. */
            project_id: string;
            /** @description For people. */
            title?: string | null;
        };
        /** @description A tenant. */
        TenantOut: {
            /** Format: date-time */
            created_at: string;
            org_id: string;
            /**
             * Format: date-time
             * @description Since when all execution stands still.
             */
            paused_at?: string | null;
            project_id: string;
            title: string;
        };
        /** @description Which destinations are tried. */
        TestIn: {
            /** @description The name of one route; without it every route of this tenant is tried. */
            route?: string | null;
        };
        /** @description What happened at each destination. */
        TestOut: {
            /** @description The alert that was sent. */
            alert_id: string;
            /** @description Whether every destination took it, and there was one. */
            delivered: boolean;
            /** @description One for each destination. */
            deliveries: components["schemas"]["DeliveryOut"][];
        };
        /** @description What the policy says of how many tasks. */
        TriageCount: {
            /** Format: int64 */
            count: number;
            /** @description `requeue`, `hold`, `alarm` or `ignore`. */
            triage: string;
        };
        /** @description Which dead letters: by `ids` or by `filter`; all of them without either. */
        TriageIn: {
            filter?: components["schemas"]["FilterIn"] | null;
            /** @description At most 100. */
            ids?: string[] | null;
            /**
             * Format: int64
             * @description Ids that are listed for each decision: 1 to 10,000; 1,000 unless said otherwise.
             */
            limit?: number | null;
        };
        /** @description What the policy would do. */
        TriageOut: {
            /** Format: int64 */
            count: number;
            /** @description One for each decision, in the order `requeue`, `hold`, `alarm`, `ignore`. */
            decisions: components["schemas"]["DecisionOut"][];
            /** @description Ids that were asked for and are no dead letters here. */
            missing?: string[];
            /** @description `tenant` or `settings`; missing for all tenants. */
            source?: string | null;
            /**
             * Format: int64
             * @description The policy's version; 0 where the tenant never had one of its own. Missing for all tenants, each of
             *     which goes by its own.
             */
            version?: number | null;
        };
        /** @description A triage policy. A code stands in one list at most; what stands in none is left alone. */
        TriagePolicyIn: {
            /** @description Codes whose tasks need a person now. */
            alarm: string[];
            /**
             * @description Whether nothing that failed with an alarm code is requeued before it is resolved; true unless
             *     said otherwise.
             */
            enforce_alarm_no_requeue?: boolean;
            /**
             * Format: int64
             * @description The version that this replaces; 409 if it is another by now.
             */
            expected_version?: number | null;
            /** @description Codes whose tasks are held. */
            hold: string[];
            /** @description Codes whose tasks go back to work. */
            requeue: string[];
        };
        /** @description A tenant's triage policy. */
        TriagePolicyOut: {
            /** @description Codes whose tasks need a person now. */
            alarm: string[];
            /** @description Whether nothing that failed with an alarm code is requeued before it is resolved. */
            enforce_alarm_no_requeue: boolean;
            /** @description Codes whose tasks are held. */
            hold: string[];
            /** @description Codes whose tasks go back to work. */
            requeue: string[];
            /** @description Codes whose cause is said to be gone: what failed of them until then may be requeued. */
            resolved: components["schemas"]["ResolvedCodeOut"][];
            /** @description `tenant`, or `settings` where the server's settings hold. */
            source: string;
            /**
             * Format: int64
             * @description 0 where the tenant never had one of its own.
             */
            version: number;
        };
        /** @description How many tasks of a type failed. */
        TypeCount: {
            /** Format: int64 */
            count: number;
            task_type: string;
        };
        /** @description A type that an outside agent performs, or the level of a built-in one. */
        TypeIn: {
            /**
             * Format: int32
             * @description How many of it run at once in this tenant, 1 to 1000000; without it `TASK_TYPE_CONCURRENCY`
             *     says, and if that does not, nothing bounds it.
             */
            concurrency?: number | null;
            /** @description JSON Schema (2020-12) of the params; for a new type. */
            params_schema?: Record<string, never> | null;
            /** @description Whether another attempt may help when the agent says nothing about it. */
            retryable?: boolean;
            /** @description The level that an admin gives it; RED until then. */
            risk?: string | null;
            /** @description Whether it shares or sends outside: then nothing takes it below RED. */
            sends_outside?: boolean;
            /**
             * Format: int32
             * @description How long one attempt may take; 300 unless said otherwise.
             */
            timeout_seconds?: number;
            title_en?: string | null;
            title_ko?: string | null;
        };
        /** @description A command type. */
        TypeOut: {
            /** @description The agent in this server, or `outside`. */
            agent: string;
            command_type: string;
            /**
             * Format: int32
             * @description How many of it run at once in this tenant, if the type itself says so.
             */
            concurrency?: number | null;
            /** @description Why not, if not. */
            disabled_because?: string | null;
            /** @description Whether it can be used here. */
            enabled: boolean;
            /** @description Whether nothing takes it below RED. */
            floor: boolean;
            params_schema: Record<string, never>;
            /** @description The level before rules and the caller's own caution. */
            risk: string;
            /** Format: int64 */
            timeout_seconds: number;
            title_en: string;
            title_ko: string;
        };
        /** @description A person. */
        UserOut: {
            /** @description In lower case. */
            email: string;
            /** @description What others call them. */
            name: string;
            /** @description `usr_…`. */
            user_id: string;
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
    take_callback: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CallbackIn"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Asked"];
                };
            };
            /** @description `bad_signature` where callbacks must be signed */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `stale_attempt` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stream: {
        parameters: {
            query?: {
                /** @description For clients that cannot set the header, which wins. */
                last_event_id?: string | null;
                /** @description One stream a session: the newer ends the older. Without one the connection is its own. */
                session_id?: string | null;
                /** @description `event`: past the limit a 200 with `bye limit` instead of 429, for a plain EventSource. */
                on_limit?: string | null;
            };
            header?: {
                /** @description A cursor; within the newest 2000 reports exactly the missed ones follow, otherwise a fresh snapshot says why */
                "Last-Event-ID"?: string | null;
                /** @description The same as `session_id` */
                "x-session-id"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Server-sent events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `stream_limit` or `stream_storm`, with `Retry-After` */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    claim_tasks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClaimIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Claims"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `type_not_allowed` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    claim_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ClaimOneIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Claims"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    beat: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HeartbeatIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HeartbeatOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `stale_attempt` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ack_alarm: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TakeIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Never */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    purge_alarm: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TakeIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Never */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    requeue_alarm: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RequeueIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `alarm_no_requeue`, `effect_unknown` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resolve_failures: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResolveIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ResolveOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `unknown_task`: none of the ids stands in a box */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_alerts: {
        parameters: {
            query?: {
                /** @description `task.held`, `ask.created`, … */
                event?: string | null;
                /** @description `info`, `warning` or `critical`. */
                severity?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AlertOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                /** @description `pending`, `sent`, `failed` or `dropped`. */
                state?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DeliveryOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_routes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoutesOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_routes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoutesIn"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AskedOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `invalid_route`, `egress_blocked`, `mail_not_set_up`, … */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotate_secret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                route: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SecretOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    send_test: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TestIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_alert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertWhole"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_asks: {
        parameters: {
            query?: {
                /** @description `pending`, `approved`, … */
                status?: string | null;
                /** @description Those of one task. */
                task_id?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AskOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_ask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                ask_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AskOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    decide_ask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                ask_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DecisionIn"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Asked"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `may_not_decide`, `not_among_approvers` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `ask_already_decided`, `ask_expired`, `digest_mismatch`, …, with `ask_id` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    look_at_link: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkOut"];
                };
            };
            /** @description `link_invalid`: unknown, used or over */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedOut"];
                };
            };
            /** @description `login_failed` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `origin_refused` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `login_throttled`, with `Retry-After` */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_busy`, with `Retry-After` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
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
            /** @description Signed out; the cookie is gone */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    redeem: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RedeemIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedOut"];
                };
            };
            /** @description `origin_refused` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `link_invalid` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `sign_in_busy`, with `Retry-After` */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
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
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnSessionsOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
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
            /** @description The session is over */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_types: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TypeOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_type: {
        parameters: {
            query?: {
                /** @description The target once more: the tenant as `{org}:{project}`, or the type. */
                confirm?: string | null;
            };
            header?: never;
            path: {
                command_type: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TypeIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TypeOut"];
                };
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alarm_dlq: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MoveIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Never */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    apply_dlq: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApplyIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Never */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_triage_policy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TriagePolicyOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_triage_policy: {
        parameters: {
            query?: {
                /** @description The target once more: the tenant as `{org}:{project}`, or the type. */
                confirm?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TriagePolicyIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TriagePolicyOut"];
                };
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `triage_policy_version` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reset_triage_policy: {
        parameters: {
            query?: {
                /** @description The target once more: the tenant as `{org}:{project}`, or the type. */
                confirm?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TriagePolicyOut"];
                };
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `no_own_policy` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    simulate_triage_policy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SimulateIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SimulateOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    purge_dlq: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TakeIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Never */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    requeue_dlq: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RequeueIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `alarm_no_requeue`, `effect_unknown` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    route_dlq: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MoveIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Never */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    triage_dead_letters: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TriageIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TriageOut"];
                };
            };
            /** @description `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
        };
    };
    get_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How it is */
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
    get_health_live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It runs */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
        };
    };
    get_health_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description A dependency fails; checks says which */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    purge_hold: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TakeIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description Never */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    requeue_hold: {
        parameters: {
            query?: {
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RequeueIn"];
            };
        };
        responses: {
            /** @description With `dry_run`: what would be touched */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DryRunOut"];
                };
            };
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperatedOut"];
                };
            };
            /** @description `selection_required`, `invalid_filter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `alarm_no_requeue`, `effect_unknown` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `too_many_tasks` */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: {
                /** @description Keys of all tenants instead of this one's. */
                all_tenants?: boolean;
                /** @description The key's id once more, where something ends for good. */
                confirm?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyOut"][];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["KeyIn"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyCreated"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: {
                /** @description Keys of all tenants instead of this one's. */
                all_tenants?: boolean;
                /** @description The key's id once more, where something ends for good. */
                confirm?: string | null;
            };
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key is refused from now on */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotate_key: {
        parameters: {
            query?: {
                /** @description Keys of all tenants instead of this one's. */
                all_tenants?: boolean;
                /** @description The key's id once more, where something ends for good. */
                confirm?: string | null;
            };
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RotateIn"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyCreated"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignedOut"];
                };
            };
            /** @description `session_missing`, `session_ended` */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    inbox: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InboxOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The numbers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": string;
                };
            };
            /** @description No key, or not the right one */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The description */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    list_operations: {
        parameters: {
            query?: {
                /** @description `waiting_approval`, `running`, `stopped`, `aborted` or `done`. */
                status?: string | null;
                /** @description `dlq`, `hold` or `alarm`. */
                box?: string | null;
                /** @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for all. */
                tenant?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_OperationOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_operation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                operation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OperationOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    abort_operation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                operation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Asked"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `operation_over` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_items: {
        parameters: {
            query?: {
                /** @description `changed`, `skipped` or `failed`. */
                outcome?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path: {
                operation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ItemOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_platform_alerts: {
        parameters: {
            query?: {
                /** @description `task.held`, `ask.created`, … */
                event?: string | null;
                /** @description `info`, `warning` or `critical`. */
                severity?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AlertOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_policy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_policy: {
        parameters: {
            query?: {
                /** @description The target once more: the tenant as `{org}:{project}`, or the type. */
                confirm?: string | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PolicyIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyOut"];
                };
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `policy_version` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    explain: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExplainIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_runbooks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_RunbookOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_runbook: {
        parameters: {
            query?: {
                /** @description `ko` or `en`; `Accept-Language` unless said. */
                lang?: ("en" | "ko") | null;
            };
            header?: never;
            path: {
                /** @description The failure code */
                code: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Markdown, to browsers as plain text */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/markdown": string;
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `unknown_failure_code` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_schema: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `envelope.json`, `callback.json` or `report.json` */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description JSON Schema 2020-12 */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/schema+json": Record<string, never>;
                };
            };
            /** @description `unknown_path` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    send_command: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body within 24 h: the same answer and no second task */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CommandIn"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcceptedOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `precondition_failed` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `unknown_command_type`, `invalid_params`, `idempotency_conflict`, … */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_tasks: {
        parameters: {
            query?: {
                /** @description `queued`, `dead`, … */
                status?: string | null;
                /** @description `share.webhook`. */
                type?: string | null;
                /** @description Those of one request. */
                correlation_id?: string | null;
                /** @description Created at this time or later. */
                since?: string | null;
                /** @description Created before this time. */
                until?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TaskOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_task: {
        parameters: {
            query?: never;
            header?: {
                /** @description The same key and body within 24 h: the same answer and no second task */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TaskIn"];
            };
        };
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AcceptedOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskDetail"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ask_again: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Asked"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `wrong_state` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Asked"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `wrong_state` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_sent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
                attempt: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The bytes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pause: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Asked"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
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
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Asked"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
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
            /** @description Every tenant */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantOut"][];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
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
                "application/json": components["schemas"]["TenantIn"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `tenant_exists` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_member: {
        parameters: {
            query?: {
                /** @description The user's id. */
                confirm?: string | null;
            };
            header?: never;
            path: {
                org: string;
                project: string;
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoleIn"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RoleOut"];
                };
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `last_admin` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    remove_member: {
        parameters: {
            query?: {
                /** @description The user's id. */
                confirm?: string | null;
            };
            header?: never;
            path: {
                org: string;
                project: string;
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They belong to the tenant no more */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `last_admin` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_console: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of a copy */
                "If-None-Match"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description The copy is this page */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    list_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MembersOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    invite_user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteIn"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvitedOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `already_member` */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_user: {
        parameters: {
            query?: {
                /** @description The user's id. */
                confirm?: string | null;
            };
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AccountIn"];
            };
        };
        responses: {
            /** @description It is so from now on */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `confirmation_required` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    link_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewLinkOut"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `member_elsewhere` */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_worklog: {
        parameters: {
            query?: {
                /** @description Those of one task. */
                task_id?: string | null;
                /** @description Those of one request. */
                correlation_id?: string | null;
                /** @description Written at this time or later. */
                since?: string | null;
                /** @description Written before this time. */
                until?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_LineOut"];
                };
            };
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    causes: {
        parameters: {
            query?: {
                /** @description Failure codes, separated by commas. */
                failure_code?: string | null;
                /** @description Command types, separated by commas. */
                task_type?: string | null;
                /** @description Failed at least so many seconds ago. */
                older_than?: number | null;
                /** @description Failed less than so many seconds ago. */
                newer_than?: number | null;
                /** @description Stands in the error or in the agent's own code; 2 to 200 characters. */
                text?: string | null;
                /** @description Causes, separated by commas. */
                cause?: string | null;
                /**
                 * @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for
                 *     all.
                 */
                tenant?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path: {
                /** @description `dlq`, `hold` or `alarm` */
                box: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_CauseOut"];
                };
            };
            /** @description `invalid_filter`, `invalid_parameter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `unknown_box` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    peek: {
        parameters: {
            query?: {
                /** @description Failure codes, separated by commas. */
                failure_code?: string | null;
                /** @description Command types, separated by commas. */
                task_type?: string | null;
                /** @description Failed at least so many seconds ago. */
                older_than?: number | null;
                /** @description Failed less than so many seconds ago. */
                newer_than?: number | null;
                /** @description Stands in the error or in the agent's own code; 2 to 200 characters. */
                text?: string | null;
                /** @description Causes, separated by commas. */
                cause?: string | null;
                /**
                 * @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for
                 *     all.
                 */
                tenant?: string | null;
                /** @description `next` of the page before. */
                cursor?: string | null;
                /** @description 1 to 200; 50 unless said otherwise. */
                limit?: number | null;
            };
            header?: never;
            path: {
                /** @description `dlq`, `hold` or `alarm` */
                box: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_FailureOut"];
                };
            };
            /** @description `invalid_filter`, `invalid_parameter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `unknown_box` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stats: {
        parameters: {
            query?: {
                /** @description Failure codes, separated by commas. */
                failure_code?: string | null;
                /** @description Command types, separated by commas. */
                task_type?: string | null;
                /** @description Failed at least so many seconds ago. */
                older_than?: number | null;
                /** @description Failed less than so many seconds ago. */
                newer_than?: number | null;
                /** @description Stands in the error or in the agent's own code; 2 to 200 characters. */
                text?: string | null;
                /** @description Causes, separated by commas. */
                cause?: string | null;
                /**
                 * @description For the platform's `ADMIN_API_KEY`: another tenant as `{org}:{project}`, or `*` for
                 *     all.
                 */
                tenant?: string | null;
            };
            header?: never;
            path: {
                /** @description `dlq`, `hold` or `alarm` */
                box: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatsOut"];
                };
            };
            /** @description `invalid_filter`, `invalid_parameter` */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
            /** @description `unknown_box` */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
