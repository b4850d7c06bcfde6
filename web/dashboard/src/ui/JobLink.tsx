import { Link } from "@tanstack/react-router";

const TAIL = 8;

/** A link to a job. It shows the end of the id, because ids of the same minute start alike; the tooltip shows it whole. */
export function JobLink({ id, focusable = true }: { id: string; focusable?: boolean }) {
  const shown = id.length > TAIL + 6 ? `job-…${id.slice(-TAIL)}` : id;
  return (
    <Link
      to="/jobs/$jobId"
      params={{ jobId: id }}
      className="mono link"
      title={id}
      aria-label={id}
      onClick={(event) => event.stopPropagation()}
      {...(focusable ? {} : { tabIndex: -1 })}
    >
      {shown}
    </Link>
  );
}
