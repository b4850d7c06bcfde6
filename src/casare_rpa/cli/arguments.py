"""Arguments and options that several commands have."""

from typing import Annotated

import typer

from casare_rpa.cli.completion import complete_job, complete_queue, complete_robot, complete_workflow

Url = Annotated[str | None, typer.Option("--url", help="Address of the orchestrator.", envvar="CASARE_URL")]
JobId = Annotated[
    str,
    typer.Argument(
        help="The job's id, or the last characters of it that a list shows.",
        metavar="JOB_ID",
        autocompletion=complete_job,
    ),
]
RobotId = Annotated[str, typer.Argument(help="Id of the robot.", metavar="ROBOT_ID", autocompletion=complete_robot)]
QueueName = Annotated[
    str,
    typer.Argument(
        help="Name of the queue; '*' (quoted) for all queues.", metavar="QUEUE", autocompletion=complete_queue
    ),
]
WorkflowId = Annotated[
    str, typer.Argument(help="Workflow: the name of a folder on the robot.", autocompletion=complete_workflow)
]
Reason = Annotated[str, typer.Option(help="Reason, stored with user and time.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show the log until the job ends.")]
IdempotencyKey = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key", help="Repeating the command with the same key creates nothing twice. Default: a new key."
    ),
]
