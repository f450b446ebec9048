/**
 * Archives that the kernel unpacks as its first root file system: the "new ASCII" format of cpio, as
 * Documentation/driver-api/early-userspace/buffer-format.rst of the kernel's sources gives it.
 */

export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string
  /** Type and permissions, as in `st_mode`. */
  readonly mode: number
  readonly bytes?: Uint8Array
  /** Of a device: major and minor number. */
  readonly device?: readonly [number, number]
}

export const FOLDER_MODE = 0o040755
export const PROGRAM_MODE = 0o100755
export const FILE_MODE = 0o100644
export const CHARACTER_DEVICE_MODE = 0o020600

const TRAILER: CpioEntry = { path: 'TRAILER!!!', mode: 0 }

/** An archive of these entries; folders must come before what is in them. The same entries give the same bytes. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = []
  ;[...entries, TRAILER].forEach(({ path, mode, bytes, device = [0, 0] }, index) => {
    const name = Buffer.from(`${path}\0`)
    const fields = [
      ...[index + 1, mode, 0, 0, 1, 0],
      ...[bytes?.length ?? 0, 0, 0, ...device],
      ...[name.length, 0],
    ]
    const header = Buffer.from(`070701${fields.map((field) => hexadecimal(field)).join('')}`)
    parts.push(padded(Buffer.concat([header, name])))
    if (bytes !== undefined) parts.push(padded(Buffer.from(bytes)))
  })
  return Buffer.concat(parts)
}

const hexadecimal = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0')

/** Headers and contents begin at multiples of four. */
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
