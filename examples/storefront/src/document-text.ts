/** Return a generated text as it is written by hand: without its indentation, with a line between its parts. */
export const readText = (generated: string) =>
  generated.trim().replace(/^ {4}(?=fragment)/gm, '').replace(/^}\nfragment/gm, '}\n\nfragment');
