/* QLDB's hashes, computed in this page: the server is not asked whether it is right. */

/** Whether this page can hash: browsers allow it on this machine and over HTTPS. */
export const canHash = globalThis.crypto?.subtle !== undefined;

/** The bytes of base64. */
export function bytes(base64) {
  return Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
}

/** The base64 of bytes. */
export function base64(hash) {
  return btoa(String.fromCharCode(...hash));
}

/** SHA-256. */
export async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** Combine two hashes: SHA-256 of both, the smaller first; an empty one leaves the other. */
export async function dot(left, right) {
  if (left.length === 0) return right;
  if (right.length === 0) return left;
  const [first, second] = isSmaller(left, right) ? [left, right] : [right, left];
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return sha256(joined);
}

/** The root of the Merkle tree over hashes; an odd last one is promoted. */
export async function merkleRoot(hashes) {
  let level = hashes;
  while (level.length > 1) {
    const above = [];
    for (let at = 0; at < level.length; at += 2) {
      above.push(at + 1 < level.length ? await dot(level[at], level[at + 1]) : level[at]);
    }
    level = above;
  }
  return level[0] ?? new Uint8Array();
}

/** Hashes are compared as signed bytes, from the last to the first. */
function isSmaller(left, right) {
  for (let at = left.length - 1; at >= 0; at -= 1) {
    if (left[at] !== right[at]) return (left[at] ^ 0x80) < (right[at] ^ 0x80);
  }
  return false;
}
