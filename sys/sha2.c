/*
 * SHA-256 and SHA-512, FIPS 180-4, of bytes that are all there. The constants of SHA-256 are the upper halves of those of
 * SHA-512: one table serves both.
 */
#include <stdint.h>
#include <string.h>

/* The fractional parts of the cube roots of the first 80 primes; section 4.2.3. */
static const uint64_t k[80] = {
  0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
  0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
  0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
  0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
  0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
  0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
  0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
  0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
  0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
  0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
  0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
  0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
  0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
  0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
  0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
  0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* The fractional parts of the square roots of the first 8 primes; section 5.3.5. */
static const uint64_t initial[8] = {
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

#define ROTATED(x, n) ((x) >> (n) | (x) << (sizeof(x) * 8 - (n)))

/* Takes one block of 16 words into the state; section 6. S and L are the rotations of the four sigma functions. */
#define COMPRESS(NAME, WORD, ROUNDS, S0, S1, S2, S3, S4, S5, L0, L1, L2, L3, L4, L5)                        \
  static void NAME(WORD *state, const uint8_t *block) {                                                     \
    WORD w[ROUNDS], v[8];                                                                                   \
    for (int t = 0; t < 16; t++) {                                                                          \
      w[t] = 0;                                                                                             \
      for (size_t i = 0; i < sizeof(WORD); i++) w[t] = w[t] << 8 | *block++;                                \
    }                                                                                                       \
    for (int t = 16; t < ROUNDS; t++) {                                                                     \
      WORD a = w[t - 15], b = w[t - 2];                                                                     \
      w[t] = w[t - 16] + w[t - 7] + (ROTATED(a, L0) ^ ROTATED(a, L1) ^ a >> L2) +                           \
             (ROTATED(b, L3) ^ ROTATED(b, L4) ^ b >> L5);                                                   \
    }                                                                                                       \
    memcpy(v, state, sizeof v);                                                                             \
    for (int t = 0; t < ROUNDS; t++) {                                                                      \
      WORD a = v[0], e = v[4];                                                                              \
      WORD one = v[7] + (ROTATED(e, S3) ^ ROTATED(e, S4) ^ ROTATED(e, S5)) + ((e & v[5]) ^ (~e & v[6])) +   \
                 (WORD)(k[t] >> (64 - sizeof(WORD) * 8)) + w[t];                                            \
      WORD two = (ROTATED(a, S0) ^ ROTATED(a, S1) ^ ROTATED(a, S2)) +                                       \
                 ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));                                                 \
      for (int i = 7; i > 0; i--) v[i] = v[i - 1];                                                          \
      v[4] += one;                                                                                          \
      v[0] = one + two;                                                                                     \
    }                                                                                                       \
    for (int i = 0; i < 8; i++) state[i] += v[i];                                                           \
    explicit_bzero(w, sizeof w);                                                                            \
  }

/* The digest of bytes, of eight words. BLOCK bytes are taken at a time; the last ones hold the length in bits. */
#define DIGEST(NAME, WORD, COMPRESSION)                                                                     \
  static void NAME(const uint8_t *bytes, size_t length, uint8_t *out) {                                     \
    enum { BLOCK = 16 * sizeof(WORD) };                                                                     \
    WORD state[8];                                                                                          \
    uint8_t tail[2 * BLOCK] = {0};                                                                          \
    for (int i = 0; i < 8; i++) state[i] = (WORD)(initial[i] >> (64 - sizeof(WORD) * 8));                   \
    size_t rest = length % BLOCK;                                                                           \
    for (const uint8_t *end = bytes + (length - rest); bytes < end; bytes += BLOCK) COMPRESSION(state, bytes); \
    if (rest > 0) memcpy(tail, bytes, rest);                                                                \
    tail[rest] = 0x80;                                                                                      \
    size_t padded = rest + 1 + 2 * sizeof(WORD) > BLOCK ? 2 * BLOCK : BLOCK;                                \
    for (size_t i = 0; i < 8; i++) tail[padded - 1 - i] = (uint8_t)((uint64_t)length * 8 >> 8 * i);         \
    for (size_t i = 0; i < padded; i += BLOCK) COMPRESSION(state, tail + i);                                \
    for (size_t i = 0; i < sizeof state; i++) {                                                             \
      out[i] = (uint8_t)(state[i / sizeof(WORD)] >> 8 * (sizeof(WORD) - 1 - i % sizeof(WORD)));             \
    }                                                                                                       \
    explicit_bzero(tail, sizeof tail);                                                                      \
  }

COMPRESS(compress256, uint32_t, 64, 2, 13, 22, 6, 11, 25, 7, 18, 3, 17, 19, 10)
COMPRESS(compress512, uint64_t, 80, 28, 34, 39, 14, 18, 41, 1, 8, 7, 19, 61, 6)
DIGEST(digest256, uint32_t, compress256)
DIGEST(digest512, uint64_t, compress512)

/* Writes the digest of length bytes at an address, bits / 8 of them, to another. */
double mote_sha2(double bits, double bytes, double length, double out) {
  const uint8_t *from = (const uint8_t *)(uintptr_t)bytes;
  uint8_t *to = (uint8_t *)(uintptr_t)out;
  if (bits == 256) digest256(from, (size_t)length, to);
  else digest512(from, (size_t)length, to);
  return 0;
}
