"""The child process of a Robot Framework workflow: runs one suite and reports to the robot.

`python -m casare_rpa.robot.executors.robotframework_child LOG_LEVEL`, in the workflow's folder.
"""

import io
import sys

from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.robot import run_state
from casare_rpa.robot.executors.child_events import RunEnd, failure
from casare_rpa.robot.executors.child_process import ChildAssignment, EventWriter, run_assignment
from casare_rpa.robot.executors.robotframework_listener import RunListener


def run(assignment: ChildAssignment, events: EventWriter) -> RunEnd:
    """Run the suite and return the end of the run."""
    try:
        import robot
    except ModuleNotFoundError as error:
        if error.name != "robot":
            raise
        message = "Robot Framework is not installed on this robot: pip install 'casare-rpa[robotframework]'"
        return RunEnd(completed=False, error=failure(message, code=FailureCode.MISSING_LIBRARY))
    listener = RunListener(events, assignment.folder)
    console = io.StringIO()
    code = robot.run(
        str(assignment.folder),
        outputdir=str(assignment.job.output_dir),
        variablefile=[str(assignment.parameters_file)],
        listener=[listener],
        loglevel=sys.argv[1],
        console="quiet",
        consolecolors="off",
        stderr=console,
        stdout=console,
    )
    if code == 0:
        state = run_state.current()
        return RunEnd(completed=True, result=state.result if state.has_result else listener.counts)
    printed = console.getvalue().replace("[ ERROR ]", "").partition("\n\nTry --help")[0].strip()
    return RunEnd(completed=False, error=listener.error or failure(printed or f"exit code {code}"))


if __name__ == "__main__":
    run_assignment(run)
