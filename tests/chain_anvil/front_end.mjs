// Does with a rendered viem module what a front end would.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { createPublicClient, createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { foundry } from "viem/chains";

const [module, url, address, proofFile, key, context] = process.argv.slice(2);
const { contextOf, submitProof, verifyProof, vkDigest } = await import(path.resolve(module));
const document = JSON.parse(fs.readFileSync(proofFile, "utf8"));

const transport = http(url);
const publicClient = createPublicClient({ chain: foundry, transport });
const walletClient = createWalletClient({ account: privateKeyToAccount(key), chain: foundry, transport });

assert.equal(document.vk_digest, vkDigest);
assert.equal(await verifyProof(publicClient, address, document), true);
const hash = await submitProof(publicClient, walletClient, address, document);
const receipt = await publicClient.waitForTransactionReceipt({ hash });
assert.equal(receipt.status, "success");

// A typed error comes out decoded.
const forged = { ...document, instances: [...document.instances.slice(0, -1), "0x01"] };
await assert.rejects(submitProof(publicClient, walletClient, address, forged), /InvalidProof/);
assert.throws(() => verifyProof(publicClient, address, { ...document, vk_digest: "0x00" }), /key 0x00/);

const use = { chainId: 31337, consumer: `0x${"01".repeat(20)}`, sender: `0x${"02".repeat(20)}`, nonce: 3 };
assert.equal(contextOf(use), context);
