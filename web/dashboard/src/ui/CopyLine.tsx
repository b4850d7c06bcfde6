import Check from "lucide:check";
import Copy from "lucide:copy";
import { ActionIcon, Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useEffect, useRef, useState } from "react";
import { common } from "../texts/common";
import classes from "./CopyLine.module.css";
import { copyText } from "./clipboard";

/** A text with a button that copies it. `label` names the text for screen readers. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  return (
    <div className={classes.line}>
      <code className={classes.text}>{text}</code>
      <CopyIcon text={text} label={label} />
    </div>
  );
}

const SHOWN_MS = 2000;

export function CopyIcon({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    if (!(await copyText(text))) {
      notifications.show({ message: common.copy.failed });
      return;
    }
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <Tooltip label={copied ? common.copy.copied : common.copy.copy}>
      <ActionIcon variant="subtle" size="sm" onClick={() => void copy()} aria-label={`${common.copy.copy}: ${label}`}>
        {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}
