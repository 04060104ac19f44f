/** Return the document with another name of its operation, so that no server has seen its text. */
export const withUnknownText = <Document extends { definitions: readonly any[] }>(document: Document): Document => ({
  ...document,
  definitions: document.definitions.map((definition) =>
    definition.kind === 'OperationDefinition'
      ? { ...definition, name: { kind: 'Name', value: `${definition.name.value}_${crypto.randomUUID().slice(0, 8)}` } }
      : definition,
  ),
});
