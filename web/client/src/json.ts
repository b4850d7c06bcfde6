import { LosslessNumber, parse, stringify } from "lossless-json";

/** Parses JSON without a loss: `printJson` prints every number of the text as it was, such as 9007199254740993 or 1.0.
 *
 * A number that JavaScript would print differently is an object that only `printJson` understands.
 *
 * @throws {SyntaxError} the text is not JSON, or an object has two different values of one name
 */
export function parseJson(text: string): unknown {
  return parse(text, undefined, (digits) => {
    const number = Number(digits);
    return String(number) === digits ? number : new LosslessNumber(digits);
  });
}

/** JSON text of a value, with the numbers of `parseJson` as they were read; indented by `indent` spaces. */
export function printJson(value: unknown, indent = 0): string {
  return stringify(value, undefined, indent) ?? "null";
}
