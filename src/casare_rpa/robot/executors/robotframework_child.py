"""The child process of a Robot Framework workflow: runs one suite and tells its robot what happens."""

import io

from casare_rpa.robot import run_state
from casare_rpa.robot.executors.child_events import End, failure
from casare_rpa.robot.executors.child_process import ChildAssignment, Parent, work
from casare_rpa.robot.executors.robotframework_listener import Listener


def run(assignment: ChildAssignment, parent: Parent) -> End:
    """Run the suite; answers how it ended."""
    try:
        import robot
    except ModuleNotFoundError as error:
        if error.name != "robot":
            raise
        message = "Robot Framework is not installed on this robot: pip install 'casare-rpa[robotframework]'"
        return End(completed=False, error=failure(message))
    listener = Listener(parent)
    console = io.StringIO()
    code = robot.run(
        str(assignment.folder),
        outputdir=str(assignment.job.output_dir),
        variablefile=[str(assignment.parameters_file)],
        listener=[listener],
        loglevel="DEBUG",
        console="quiet",
        consolecolors="off",
        stderr=console,
        stdout=console,
    )
    if code == 0:
        return End(completed=True, result=run_state.current().result)
    said = console.getvalue().replace("[ ERROR ]", "").partition("\n\nTry --help")[0].strip()
    return End(completed=False, error=listener.error or failure(said or f"exit code {code}"))


if __name__ == "__main__":
    work(run)
