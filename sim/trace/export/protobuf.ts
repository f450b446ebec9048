/** Just enough of the protocol buffer encoding (https://protobuf.dev/programming-guides/encoding) to write messages. */
import { ByteWriter, utf8 } from '../bytes.js'

const wire = { varint: 0, fixed64: 1, bytes: 2 } as const

/** A message under construction: fields are written in the order of the calls. */
export class Message {
  readonly #out = new ByteWriter()

  /** A whole number from 0 to 2^53 - 1, as uint32, uint64 or an enumeration. */
  uint(field: number, value: number): this {
    this.#tag(field, wire.varint)
    this.#out.varint(value)
    return this
  }
  fixed64(field: number, value: number): this {
    this.#tag(field, wire.fixed64)
    this.#out.u32(value >>> 0)
    this.#out.u32(Math.floor(value / 0x1_0000_0000))
    return this
  }
  string(field: number, value: string): this {
    return this.bytes(field, utf8(value))
  }
  message(field: number, value: Message): this {
    return this.bytes(field, value.#out.view())
  }
  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, wire.bytes)
    this.#out.varint(value.length)
    this.#out.raw(value)
    return this
  }
  #tag(field: number, type: number): void {
    this.#out.varint(field * 8 + type)
  }
  get length(): number {
    return this.#out.length
  }
  take(): Uint8Array<ArrayBuffer> {
    return this.#out.take()
  }
}
