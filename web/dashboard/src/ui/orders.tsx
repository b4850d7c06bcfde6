import { Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import { type ButtonHTMLAttributes, type ComponentProps, createContext, forwardRef, type ReactNode, use } from "react";
import { common } from "../texts/common";
import { EmptyState } from "./EmptyState";
import { PlainButton } from "./links";

const Allowed = createContext(true);

/** Whether the components inside of it may change something on the server. A read-only link may not. */
export const CanAct = Allowed.Provider;

export function useCanAct(): boolean {
  return use(Allowed);
}

type Props = ButtonProps & Omit<ButtonHTMLAttributes<HTMLButtonElement>, keyof ButtonProps>;

/** A button that changes something on the server, or opens the dialog for it. A read-only link shows none. */
export function OrderButton(props: Props) {
  return useCanAct() ? <Button {...props} data-acts /> : null;
}

/** A button that only changes what this page shows. */
export const ViewButton = Button;

const GatedLink = forwardRef<HTMLAnchorElement, ComponentProps<typeof PlainButton>>((props, ref) =>
  useCanAct() ? <PlainButton ref={ref} {...props} data-acts /> : null,
);

/** A link to a form that changes something on the server. A read-only link shows none. */
export const OrderLink = createLink(GatedLink);

/** A page that only changes something on the server. A read-only link shows an explanation instead. */
export function OrderPage({ children }: { children: ReactNode }) {
  return useCanAct() ? children : <EmptyState title={common.readOnlyTitle} text={common.readOnlyText} />;
}
