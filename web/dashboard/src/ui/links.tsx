import { Anchor, type AnchorProps, Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import { type AnchorHTMLAttributes, forwardRef } from "react";

type Html<Props> = Props & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof Props>;

/** A button that is an anchor, for `createLink`. */
export const PlainButton = forwardRef<HTMLAnchorElement, Html<ButtonProps>>((props, ref) => (
  <Button component="a" ref={ref} {...props} />
));
const PlainAnchor = forwardRef<HTMLAnchorElement, Html<AnchorProps>>((props, ref) => <Anchor ref={ref} {...props} />);

/** A button and an anchor that link to a page of the dashboard, with the typed parameters of the router. */
export const LinkButton = createLink(PlainButton);
export const LinkAnchor = createLink(PlainAnchor);
