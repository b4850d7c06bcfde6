import { Link } from "@tanstack/react-router";
import { plain } from "../texts/safe";

/** The name of a workflow, as a link to its page. */
export function WorkflowLink({ id, focusable = true }: { id: string; focusable?: boolean }) {
  return (
    <Link
      to="/workflows/$workflowId"
      params={{ workflowId: id }}
      className="link clip"
      title={plain(id)}
      onClick={(event) => event.stopPropagation()}
      {...(focusable ? {} : { tabIndex: -1 })}
    >
      {plain(id)}
    </Link>
  );
}
