// Reads one JSON object per line: {info, cert, connections, map}. Opens the disk, reads all of it in blocks of 2 MiB and
// answers with one line: {size, sha256, map} or {error}.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import NbdClient from '@vates/nbd-client'
import MultiNbdClient from '@vates/nbd-client/multi.mjs'

const BLOCK = 2 << 20

async function read({ info, connections, map }) {
  const options = { waitBeforeReconnect: 50, readBlockRetries: 1, reconnectRetry: 1 }
  const client = connections > 1 ? new MultiNbdClient([info], { ...options, nbdConcurrency: connections }) : new NbdClient(info, options)
  await client.connect()
  try {
    const size = Number(client.exportSize)
    const hash = createHash('sha256')
    const ahead = []
    for (let index = 0; index < size / BLOCK; index++) {
      ahead.push(client.readBlock(index, BLOCK))
      if (ahead.length === 4) hash.update(await ahead.shift())
    }
    for (const block of ahead) hash.update(await block)
    return { size, sha256: hash.digest('hex'), map: map ? await client.getMap() : undefined }
  } finally {
    await client.disconnect()
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    answer = await read(JSON.parse(line))
  } catch (error) {
    answer = { error: String(error?.stack ?? error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
