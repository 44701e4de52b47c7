// Schemas and data are read as a script calculates them by itself (script/schemas.py), as they are in Rust.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { keccak_256 } from "@noble/hashes/sha3";
import { commit, readSchema, schemaHash, SchemaError, valuesOf } from "../dist/index.js";

const fixtures = new URL("../../../test/fixtures/", import.meta.url);
const { documents, data } = JSON.parse(fs.readFileSync(new URL("schemas/vectors.json", fixtures)));
const template = (name) => fs.readFileSync(new URL(`../../../templates/project/${name}`, import.meta.url));
const hexOf = (bytes) => `0x${Buffer.from(bytes).toString("hex")}`;

const field = { name: "income", unit: "euros", step: "100", range: ["0", "12700"] };
const document = (change, code = "int8") =>
  JSON.stringify({
    format: "zkverdict schema",
    version: 1,
    title: "what a bank knows",
    code,
    shape: [change?.count ?? 1],
    fields: [{ ...field, ...change }],
  });
const refused = (code, attempt) =>
  assert.throws(attempt, (error) => error instanceof SchemaError && error.code === code && error.message.startsWith(`${code}: `));

test("schemas are those of the vectors", () => {
  assert.ok(documents.length > 200);
  for (const { text, hash, error } of documents) {
    assert.equal(schemaHash(text), hash);
    for (const written of [text, new TextEncoder().encode(text)]) {
      if (error) refused(error, () => readSchema(written));
      else assert.equal(readSchema(written).hash, hash);
    }
  }
});

test("data are the integers of the vectors", () => {
  assert.ok(data.length > 800);
  for (const { document, text, integers, error, field, element } of data) {
    const schema = documents[document].text;
    if (integers) {
      for (const own of [schema, readSchema(schema)]) assert.deepEqual(valuesOf(own, text), integers);
      assert.deepEqual(valuesOf(schema, new TextEncoder().encode(text)), integers);
    } else {
      const isSo = (found) =>
        found instanceof SchemaError && found.code === error && found.field === field && (element === undefined || found.element === element);
      assert.throws(() => valuesOf(schema, text), isSo, `${schema} ${text}`);
    }
  }
});

test("values of JavaScript are read as they are shown", () => {
  const own = document({ step: "0.1", range: ["-3", "3"], missing: 99 });
  for (const [value, integer] of [[0.3, 3], ["0.3", 3], [-0, 0], [2n, 20], [1e-1, 1], [null, 99]]) {
    assert.deepEqual(valuesOf(own, { income: value }), [integer]);
  }
  refused("OffStep", () => valuesOf(own, { income: 0.1 + 0.2 }));
  for (const value of [NaN, Infinity, true, {}, () => 1, Symbol("1"), new Date(0), 1e300]) refused("NoNumber", () => valuesOf(own, { income: value }));
  refused("AbsentField", () => valuesOf(own, Object.create({ income: 1 })));
  for (const value of [null, undefined, 1, [], [{ income: 1 }]]) refused("MalformedData", () => valuesOf(own, value));
  const many = document({ count: 3 });
  for (const values of [[0, 100, "200"], Int32Array.of(0, 100, 200)]) assert.deepEqual(valuesOf(many, { income: values }), [0, 1, 2]);
  for (const values of [[0, 100], [0, 100, 200, 300], 1, "100", new DataView(new ArrayBuffer(3))]) refused("Count", () => valuesOf(many, { income: values }));
  // Beyond what a number of JavaScript holds exactly.
  const large = document({ step: "0.000000001", range: ["9007199254740993", "9007199255"].reverse(), offset: "9007199254740993" }, "int32");
  refused("Range", () => readSchema(large));
  const fine = document({ step: "0.000000000000000001", range: ["1", "1.000000000000000127"], offset: "1" });
  assert.deepEqual(valuesOf(fine, '{"income": 1.000000000000000003}'), [3]);
});

test("errors do not say what the data are", () => {
  for (const secret of ["73219", '"73219"', '"73219x"', "7321.9", '{"73219": 1}', "73219.", "[73219]"]) {
    for (const count of [undefined, 2]) {
      const text = `{"income": ${count ? `[${secret}, 1]` : secret}}`;
      assert.throws(() => valuesOf(document({ count }), text), (error) => error instanceof SchemaError && !`${error.stack}`.includes("7321"));
    }
  }
});

test("long documents and deep ones are refused, and long texts are read", () => {
  const own = document();
  assert.ok(readSchema(own + " ".repeat(2 ** 20 - own.length)));
  refused("Malformed", () => readSchema(own + " ".repeat(2 ** 20 + 1 - own.length)));
  refused("Malformed", () => readSchema("[".repeat(500_000)));
  refused("Malformed", () => readSchema(Uint8Array.of(0xff)));
  refused("Text", () => readSchema(own.replace("euros", "é".repeat(400_000))));
  refused("MalformedData", () => valuesOf(own, "[".repeat(500_000)));
  refused("MalformedData", () => valuesOf(own, Uint8Array.of(0xff)));
});

test("the templates' data are the integers of their schemas, and are committed to as such", () => {
  for (const [name, input, expected] of [
    ["credit", "sound", [48, 14, 6, 0, 60, 41, 22]],
    ["credit", "strained", [17, 12, 70, 45, 4, 24, 92]],
    ["medical", "clear", JSON.parse(template("medical/clear.json")).brightness.map((brightness) => brightness - 128)],
  ]) {
    const bytes = template(`${name}/schema.json`);
    const schema = readSchema(bytes);
    assert.equal(schema.hash, hexOf(keccak_256(bytes)));
    const values = valuesOf(schema, template(`${name}/${input}.json`));
    assert.deepEqual(values, expected);
    const points = JSON.parse(fs.readFileSync(new URL("commitments/points6.json", fixtures)));
    const { code, shape } = schema;
    assert.ok(commit({ input: "x", code, shape, values, points }).name);
  }
});

test("changed documents and data give answers or errors", () => {
  let state = 1;
  const below = (limit) => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8) % limit;
  const parts = '{}[]",:0123456789.-+eE\\u nulltrue9999999999999999999"count""missing"1e400-0';
  const changed = (text) => {
    for (let i = below(2); i >= 0; --i) {
      const [at, cut, from] = [below(text.length + 1), below(3), below(parts.length)];
      text = text.slice(0, at) + parts.slice(from, from + below(5)) + text.slice(at + cut);
    }
    return text;
  };
  let read = 0;
  for (let turn = 0; turn < 10_000; ++turn) {
    const { document, text } = data[turn % data.length];
    const own = documents[document].text;
    const which = below(3);
    try {
      valuesOf(which > 0 ? changed(own) : own, which < 2 ? changed(text) : text);
      read += 1;
    } catch (error) {
      assert.ok(error instanceof SchemaError, error);
    }
  }
  assert.ok(read > 100, `${read}`);
});
