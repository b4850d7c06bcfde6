import { type ComponentType, createElement } from "react";

export type Icon = ComponentType<{ size?: number; className?: string; "aria-hidden"?: boolean }>;

/** The tag and the attributes of a line, a circle and so on. */
export type Shape = readonly [string, Readonly<Record<string, string>>];

/** The component of an icon that consists of these shapes. It is decoration: a text beside it says the same. */
export function icon(shapes: readonly Shape[]): Icon {
  return function Sign({ size = 24, ...others }) {
    return (
      <svg
        xmlns="http://www.w3.org/2000/svg"
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth={2}
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden
        {...others}
      >
        {shapes.map(([tag, attributes]) => createElement(tag, { key: JSON.stringify(attributes), ...attributes }))}
      </svg>
    );
  };
}
