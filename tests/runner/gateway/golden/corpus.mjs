/**
 * What is asked of Redis, and of the gateway: steps of a few clients, one at a time. The first part is written by hand,
 * for every error and option; the second is drawn, from a seed, for sequences that nobody thinks of.
 *
 * Nothing here depends on how fast it runs: what is drawn has absolute times, and what is written by hand asks for times
 * to live in whole seconds, soon after they were set.
 */

/** @typedef {{ readonly client: number, readonly words: readonly string[] }} Step */

/** Each line is a request of client 0, or of the client whose number comes before a bar; words are apart by blanks. */
const written = String.raw`
PING
PING hello
PING a b
ECHO text
ECHO
FLUSHALL
GET missing
SET k v
GET k
SET k w NX
SET other w NX
SET k w XX
SET absent w XX
GET absent
SET k x GET
SET fresh x GET
SET k y NX GET
SET nothere y NX GET
SET nothere2 y XX GET
SET k v NX XX
SET k v EX
SET k v EX 0
SET k v EX -1
SET k v EX 1.5
SET k v EX abc
SET k v EX 9223372036854775807
SET k v PX 0
SET k v EX 100 PX 100
SET k v EX 100 KEEPTTL
SET k v KEEPTTL EX 100
SET k v BAD
SET k v NX BAD
SET k
SET k v EX 1000
TTL k
SET k v2 KEEPTTL
TTL k
SET k v3
TTL k
SET k v EXAT 4102444800
EXPIRETIME k
PEXPIRETIME k
SET k v PXAT 4102444800123
EXPIRETIME k
PEXPIRETIME k
SET k v EXAT 1000
GET k
SET k v PXAT 0
SET k v PXAT -5
SET k v PX 1000000
TTL k
set K V ex 1000
get K
SETNX k a
SETNX nx1 a
SETNX nx1 b
SETNX nx1
SETEX s 100 v
TTL s
SETEX s 0 v
SETEX s -1 v
SETEX s abc v
SETEX s 9223372036854775807 v
SETEX s
PSETEX s 100000 v
TTL s
PSETEX s 0 v
PSETEX s x v
GETSET k new
GETSET unset new
TTL s
GETSET s plain
TTL s
GETDEL s
GETDEL s
GETDEL
APPEND app one
APPEND app two
GET app
STRLEN app
STRLEN missing
SET ttlapp v EX 1000
APPEND ttlapp w
TTL ttlapp
DEL app ttlapp missing
DEL app
DEL
UNLINK k k
EXISTS k
SET a 1
EXISTS a a missing
EXISTS
INCR n
INCR n
DECR n
DECRBY n 5
INCRBY n 100
INCRBY n abc
INCRBY n 1.0
INCRBY n 9223372036854775808
INCRBY n 9223372036854775807
GET n
SET n 9223372036854775807
INCR n
INCRBY n 1
DECR n
INCRBY n -9223372036854775808
GET n
SET n -9223372036854775808
DECR n
DECRBY n -9223372036854775808
DECRBY n 9223372036854775807
INCRBY n 9223372036854775807
GET n
SET n 9007199254740991
INCR n
INCR n
INCRBY n 9007199254740993
DECRBY n 9007199254740992
SET n 12a
INCR n
SET n 012
INCR n
SET n +1
INCR n
SET n -0
INCR n
SET n -
INCR n
SET n 0
DECR n
SET n 12345678901234567890123
INCR n
SET n 99999999999999999999
INCR n
SET n 10 EX 1000
INCR n
TTL n
INCR
MSET m1 a m2 b m3 c
MGET m1 m2 nope m3 m1
MSET m1
MSET m1 a m2
MSET m1 z m1 y
GET m1
MSETNX m1 q m9 q
MSETNX m8 q m9 q
MGET m1 m8 m9
MSETNX m8
MSETNX p q r
EXPIRE m1 1000
TTL m1
MSET m1 v
TTL m1
EXPIRE missing 10
EXPIRE m1 abc
EXPIRE m1 10 ZZ
EXPIRE m1 10 NX XX
EXPIRE m1 10 NX GT
EXPIRE m1 10 GT LT
EXPIRE m1 1000 XX
EXPIRE m1 1100 GT
EXPIRE m1 1000 LT
TTL m1
EXPIRE m1 2000 NX
EXPIRE m1 500 GT
EXPIRE m1 3000 GT
TTL m1
EXPIRE m1 4000 LT
EXPIRE m1 100 XX LT
TTL m1
PEXPIRE m1 5000000
TTL m1
PEXPIRE m1 abc
EXPIREAT m1 4102444800
EXPIRETIME m1
PEXPIREAT m1 4102444800999
PEXPIRETIME m1
EXPIRETIME m1
EXPIRE m1 9223372036854775807
EXPIRE m1 -9223372036854775808
PEXPIRE m1 9223372036854775807
EXPIREAT m1 9223372036854775807
PERSIST m1
PERSIST m1
PERSIST missing
TTL m1
TTL missing
PTTL m1
PTTL missing
EXPIRETIME m1
EXPIRETIME missing
PEXPIRETIME missing
EXPIRE m1 -1
EXISTS m1
EXPIREAT m2 1
EXISTS m2
SET m3 v EX 100
EXPIRE m3 0
GET m3
TYPE a
TYPE missing
DBSIZE
DBSIZE x
SELECT 0
SELECT 99999
SELECT abc
NOSUCH
NOSUCH one two
nosuch 12345678901234567890123456789012345678901234567890 12345678901234567890123456789012345678901234567890 12345678901234567890123456789012345678901234567890 end
GET
GET a b
CLIENT NOSUCH
CLIENT SETNAME tester
CLIENT GETNAME
CLIENT SETNAME
1|CLIENT GETNAME
CLIENT SETINFO lib-name x y
CLIENT
CONFIG
CONFIG NOSUCH
COMMAND NOSUCH
AUTH secret
AUTH default secret
AUTH other secret
AUTH a b c
HELLO 4
HELLO abc
HELLO 2 SETNAME
HELLO 2 NOSUCH
MULTI
SET t 1
INCR t
GET t
EXEC
MULTI
EXEC
EXEC
DISCARD
MULTI
MULTI
SET t 5
DISCARD
GET t
MULTI
NOSUCH x
SET t 6
EXEC
GET t
MULTI
GET
EXEC
MULTI
SET t notnumber
INCR t
SET t v EX abc
SET t v NX XX
MSET a
PING
ECHO inside
UNWATCH
SELECT 0
GET t
EXEC
MULTI
WATCH a
SET t 7
EXEC
GET t
WATCH
WATCH w1
1|SET w1 x
MULTI
SET t 8
EXEC
GET t
WATCH w1
SET w1 own
MULTI
SET t 9
EXEC
GET t
WATCH w1
MULTI
SET t 10
EXEC
GET t
WATCH w1 w2
1|SET w2 y
UNWATCH
MULTI
SET t 11
EXEC
WATCH w2
1|DEL w2
MULTI
SET t 12
EXEC
WATCH w2
1|SET w2 z
MULTI
PING
EXEC
WATCH w2
1|EXPIRE w2 1000
MULTI
GET t
EXEC
WATCH w2
1|PERSIST w2
MULTI
GET t
EXEC
WATCH w2
1|PERSIST w2
1|SETNX w2 v
1|SET w2 v NX
1|GET w2
MULTI
GET t
EXEC
WATCH w2
1|APPEND w2 v
MULTI
EXEC
WATCH w2
1|FLUSHALL
MULTI
EXEC
WATCH w2
1|FLUSHALL
MULTI
EXEC
WATCH w2
MULTI
DISCARD
1|SET w2 a
MULTI
SET t 13
EXEC
1|MULTI
1|SET both 1
SET both 2
1|EXEC
GET both
FLUSHDB
FLUSHALL ASYNC
FLUSHALL SYNC
FLUSHALL NOSUCH
FLUSHALL ASYNC SYNC
DBSIZE
MULTI
RESET
EXEC
CLIENT GETNAME
RESET x
1|QUIT
`

/** Numbers from a seed (mulberry32). */
function numbers(seed) {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function drawn(count, seed) {
  const below = numbers(seed)
  const one = (list) => list[below(list.length)]
  const key = () => one(['a', 'b', 'c', 'd', 'a key', 'k\0\r\n', 'long'.repeat(30), ''])
  const value = () =>
    one([
      '',
      '0',
      '1',
      '-7',
      '41',
      '9223372036854775806',
      '-9223372036854775807',
      'text',
      'x'.repeat(57),
      'y'.repeat(300),
      String.fromCharCode(0, 13, 10, 255, 128),
      '1e3',
      ' 1',
      '1 ',
    ])
  const amount = () =>
    one(['1', '-1', '5', '9223372036854775807', '-9223372036854775808', '9007199254740993', 'x', ''])
  const option = () =>
    one([
      [],
      [],
      ['NX'],
      ['XX'],
      ['GET'],
      ['KEEPTTL'],
      ['EXAT', '4102444850'],
      ['PXAT', '4102444850123'],
      ['nx', 'get'],
    ])
  const condition = () => one([[], [], ['NX'], ['XX'], ['GT'], ['LT'], ['XX', 'GT']])
  const commands = [
    () => ['GET', key()],
    () => ['GET', key()],
    () => ['STRLEN', key()],
    () => ['EXISTS', key(), key()],
    () => ['MGET', key(), key(), key()],
    () => ['EXPIRETIME', key()],
    () => ['PEXPIRETIME', key()],
    () => ['TYPE', key()],
    () => ['DBSIZE'],
    () => ['SET', key(), value(), ...option()],
    () => ['SET', key(), value(), ...option()],
    () => ['SET', key(), value(), ...option(), ...option()],
    () => ['SETNX', key(), value()],
    () => ['SETEX', key(), '0', value()],
    () => ['GETSET', key(), value()],
    () => ['GETDEL', key()],
    () => ['APPEND', key(), value()],
    () => ['DEL', key(), key()],
    () => ['INCR', key()],
    () => ['DECR', key()],
    () => ['INCRBY', key(), amount()],
    () => ['DECRBY', key(), amount()],
    () => ['MSET', key(), value(), key(), value()],
    () => ['MSETNX', key(), value(), key(), value()],
    () => ['EXPIRE', key(), one(['-1', '0']), ...condition()],
    () => ['EXPIREAT', key(), one(['4102444800', '4102444900', '5']), ...condition()],
    () => ['PERSIST', key()],
    () => ['MULTI'],
    () => ['EXEC'],
    () => ['EXEC'],
    () => ['WATCH', key(), key()],
    () => ['DISCARD'],
    () => ['UNWATCH'],
  ]
  return Array.from({ length: count }, () => ({ client: below(3), words: one(commands)() }))
}

const byHand = () =>
  written
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, client, text] = /^(?:(\d)\|)?(.*)$/.exec(line)
      return { client: Number(client ?? 0), words: text.split(' ') }
    })

/** @type {Readonly<Record<string, () => readonly Step[]>>} */
export const corpora = {
  written: byHand,
  'written, RESP3': () => [
    { client: 0, words: ['HELLO', '3'] },
    { client: 1, words: ['HELLO', '3'] },
    ...byHand(),
  ],
  drawn: () => drawn(6_000, 1),
  'drawn, RESP3': () => [
    ...[0, 1, 2].map((client) => ({ client, words: ['HELLO', '3'] })),
    ...drawn(3_000, 2),
  ],
}

/** Where a reply that begins at `at` ends, or -1 when it is not all there. */
export function endOfReply(text, at = 0) {
  const line = text.indexOf('\r\n', at)
  if (line < 0) return -1
  const next = line + 2
  const count = Number(text.slice(at + 1, line))
  if ('$=!'.includes(text[at]))
    return count < 0 ? next : text.length >= next + count + 2 ? next + count + 2 : -1
  if (!'*%~>'.includes(text[at])) return next
  let end = next
  for (let left = text[at] === '%' ? 2 * count : count; left > 0 && end >= 0; left--)
    end = endOfReply(text, end)
  return end
}
