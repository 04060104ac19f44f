/** Runs operations: a POST of the document's text, with types from the schema. */
import { readText } from './document-text';
import type { TypedDocumentString } from './gql/graphql';
import { ROOT } from './urls';

/** The answer to an operation, and what it took. `milliseconds` is the time until the whole answer was here. */
export interface Answer<Data> {
  data: Data;
  request: Request;
  cost: { requested: number; actual: number } | null;
  milliseconds: number;
  bytes: number;
}

export interface Request {
  name: string;
  text: string;
  variables: object;
}

/** An operation failed. The message is for the reader. */
export class AnswerError extends Error {
  /** `isTemporary` is whether trying again may help; `isBadInput` whether the values of the address are wrong. */
  constructor(
    message: string,
    readonly isTemporary: boolean,
    readonly isBadInput = false,
  ) {
    super(message);
  }
}

const REQUEST_TIMEOUT_MS = 15_000;

/** Run an operation. Raise AnswerError if it failed, and the signal's reason if it was aborted. */
export async function execute<Data, Variables extends object>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  signal: AbortSignal,
): Promise<Answer<Data>> {
  const text = readText(document.toString());
  const request = { name: /\bquery (\w+)/.exec(text)?.[1] ?? '', text, variables };
  const startedAt = performance.now();
  const [response, body] = await post(request, signal);
  const payload = parse(body);
  const error = payload?.errors?.[0];
  if (error || !payload?.data) {
    const message = error?.message ?? `The server answered ${response.status}.`;
    throw new AnswerError(message, response.status >= 429, error?.extensions?.code === 'BAD_USER_INPUT');
  }
  return {
    data: payload.data as Data,
    request,
    cost: payload.extensions?.cost ?? null,
    milliseconds: performance.now() - startedAt,
    bytes: new Blob([body]).size,
  };
}

async function post(request: Request, signal: AbortSignal): Promise<[Response, string]> {
  try {
    const response = await fetch(`${ROOT}graphql`, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        query: request.text,
        operationName: request.name,
        variables: request.variables,
        extensions: { cost: true },
      }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    return [response, await response.text()];
  } catch (error) {
    if (signal.aborted) throw error;
    const seconds = REQUEST_TIMEOUT_MS / 1_000;
    const isTimeout = error instanceof DOMException && error.name === 'TimeoutError';
    const message = isTimeout ? `The server did not answer within ${seconds} seconds.` : 'The server cannot be reached.';
    throw new AnswerError(message, true);
  }
}

interface Payload {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: string } }[];
  extensions?: { cost?: { requested: number; actual: number } };
}

function parse(body: string): Payload | null {
  try {
    return JSON.parse(body) as Payload;
  } catch {
    return null; // a proxy's page
  }
}
