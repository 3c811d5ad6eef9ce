/** A Socket.IO event of the default namespace, encoded and framed once for all its sockets. */
export class SharedFrame {
  /** The packet to hand to Engine.IO. */
  readonly packet: string
  /** Engine.IO hands the finished frame to `ws`, as it does for Socket.IO's own broadcasts. */
  readonly options: { compress: boolean; wsPreEncodedFrame: [Buffer] }

  /** @param json the event's argument, as JSON */
  constructor(event: string, json: string) {
    this.packet = `2["${event}",${json}]`
    this.options = { compress: false, wsPreEncodedFrame: [websocketFrame(`4${this.packet}`)] }
  }
}

/** An unmasked text frame (RFC 6455, section 5.2) in one buffer, so that it takes one write. */
function websocketFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const start = 2 + lengthBytes
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = 0x81
  if (lengthBytes === 0) frame[1] = length
  else if (lengthBytes === 2) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, start)
  return frame
}
