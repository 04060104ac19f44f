import type { TypedDocumentString } from './generated/graphql.ts';

/** Send a document by its hash: the server has the manifest `generated/persisted-documents.json`. */
export async function execute<Result, Variables>(
  url: string,
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ documentId: document.__meta__?.hash, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors.map(({ message }: Error) => message).join('\n'));
  return data;
}
