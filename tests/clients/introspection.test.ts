import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { suite, test } from 'node:test';

const URL = process.env.GRAPHQL_URL!;
const SDL = readFileSync(new globalThis.URL('../../graphql_api/schema.graphql', import.meta.url), 'utf8');
const require = createRequire(import.meta.url);

const IN_15 = ['descriptions', 'directiveIsRepeatable', 'schemaDescription', 'inputValueDeprecation'];
const IN_16 = [...IN_15, 'specifiedByUrl', 'oneOf', 'experimentalDirectiveDeprecation'];

/** The options of `getIntrospectionQuery` by the major version of graphql-js. */
const OPTIONS: Record<number, string[]> = { 14: ['descriptions'], 15: IN_15, 16: IN_16, 17: IN_16 };

async function send(query: string): Promise<any> {
  const response = await fetch(URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

const setTo = (value: boolean, names: string[]) => Object.fromEntries(names.map((name) => [name, value]));

/** Return all options off and on, and each of them alone on and alone off. */
function choicesOf(names: string[]): Record<string, boolean>[] {
  const [off, on] = [setTo(false, names), setTo(true, names)];
  return [off, on, ...names.flatMap((name) => [{ ...off, [name]: true }, { ...on, [name]: false }])];
}

for (const [version, names] of Object.entries(OPTIONS)) {
  suite(`graphql-js ${version}`, () => {
    const graphql = require(`graphql${version}`);
    const { buildClientSchema, buildSchema, getIntrospectionQuery, isSpecifiedScalarType, printType, validateSchema } = graphql;

    let sdl = SDL;
    if (!names.includes('specifiedByUrl')) sdl = sdl.replace(/ @specifiedBy\(.*\)/g, '');
    if (!names.includes('schemaDescription')) sdl = sdl.replace(/^"""[^]*?"""\n(?=schema )/, '');

    const typesOf = (schema: any): string[] =>
      Object.values<any>(schema.getTypeMap())
        .filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type))
        .map((type) => printType(type))
        .sort();

    for (const options of choicesOf(names)) {
      test(`builds a valid schema with ${JSON.stringify(options)}`, async () => {
        const { data, errors } = await send(getIntrospectionQuery(options));

        assert.equal(errors, undefined);
        assert.deepEqual(validateSchema(buildClientSchema(data)), []);
      });
    }

    test('builds the types of the SDL', async () => {
      const { data } = await send(getIntrospectionQuery(setTo(true, names)));

      const expected = typesOf(buildSchema(sdl));
      assert.equal(expected.length, [...SDL.matchAll(/^(type|interface|enum|input|scalar) /gm)].length);
      assert.deepEqual(typesOf(buildClientSchema(data)), expected);
    });

    test('builds a valid schema at each depth of types that the schema has', { skip: Number(version) < 16 }, async () => {
      for (const typeDepth of [3, 9, 20]) {
        const { data } = await send(getIntrospectionQuery({ typeDepth }));

        assert.deepEqual(validateSchema(buildClientSchema(data)), []);
      }
    });
  });
}

test('the name that graphql-js 15 alone has for `specifiedByURL` is refused', async () => {
  const { errors } = await send(require('graphql15').getIntrospectionQuery({ specifiedByUrl: true }));

  assert.deepEqual(
    errors.map(({ message }: Error) => message),
    ["Cannot query field 'specifiedByUrl' on type '__Type'. Did you mean 'specifiedByURL'?"],
  );
});
