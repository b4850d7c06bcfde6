import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { Check, Copy } from "lucide-react";
import { common } from "../texts/common";
import classes from "./CopyLine.module.css";

/** A text with a button that copies it. `label` names the text for screen readers. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  return (
    <div className={classes.line}>
      <code className={classes.text}>{text}</code>
      <CopyIcon text={text} label={label} />
    </div>
  );
}

export function CopyIcon({ text, label }: { text: string; label: string }) {
  return (
    <CopyButton value={text} timeout={2000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? common.copy.copied : common.copy.copy}>
          <ActionIcon variant="subtle" size="sm" onClick={copy} aria-label={`${common.copy.copy}: ${label}`}>
            {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
