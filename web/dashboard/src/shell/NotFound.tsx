import { Link } from "@tanstack/react-router";
import { notFound } from "../texts/notFound";
import { EmptyState } from "../ui/EmptyState";

export function NotFound() {
  return (
    <EmptyState title={notFound.title} text={notFound.text}>
      <Link to="/" className="link">
        {notFound.back}
      </Link>
    </EmptyState>
  );
}
