/** A bundle's files, and the one piece that the prover takes them in. */

import { ProvingError } from "./failure.js";

const NAMES = ["bundle.json", "model.onnx", "srs.bin", "vk.bin"] as const;

/** What `zkverdict keygen` writes: the files of the folder `NAME.zkv`. */
export type BundleFiles = Readonly<Record<(typeof NAMES)[number], Uint8Array>>;

/** Gets the files of a bundle that lies on a server, which hears of nothing else. */
export async function fetchBundle(folder: string | URL): Promise<BundleFiles> {
  const base = `${folder}`.replace(/\/*$/, "/");
  const get = async (name: string): Promise<[string, Uint8Array]> => {
    const response = await fetch(base + name);
    if (!response.ok) {
      throw new ProvingError("BundleError", `\`${base}${name}\`: the server answers ${response.status}`, "put all files of the bundle there");
    }
    return [name, new Uint8Array(await response.arrayBuffer())];
  };
  return Object.fromEntries(await Promise.all(NAMES.map(get))) as BundleFiles;
}

/** As src/bundle/archive.rs reads it. */
export function archiveOf(files: BundleFiles): Uint8Array<ArrayBuffer> {
  const parts = NAMES.map((name) => {
    const bytes: unknown = files[name];
    if (bytes instanceof Uint8Array) return bytes;
    throw new ProvingError("BundleError", `\`${name}\` of the bundle is missing, or no Uint8Array`, "give all files that `zkverdict keygen` wrote");
  });
  const head = new TextEncoder().encode("zkverdict bundle\x01\0\0\0");
  const archive = new Uint8Array(parts.reduce((length, part) => length + 8 + part.length, head.length));
  archive.set(head);
  const view = new DataView(archive.buffer);
  let at = head.length;
  for (const part of parts) {
    view.setBigUint64(at, BigInt(part.length), true);
    archive.set(part, at + 8);
    at += 8 + part.length;
  }
  return archive;
}
