/** Copies a text and returns whether it worked. Pages without TLS have no clipboard, so the text is selected and copied. */
export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard !== undefined) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch (problem) {
    if (!(problem instanceof DOMException)) throw problem; // else: the browser forbids it
  }
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.style.cssText = "position:fixed;opacity:0";
  // A dialog takes the focus back from everything outside of it.
  (focused?.closest("[role='dialog']") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}
