// A directory of images that Xen Orchestra's VHD library made, taken over as a repository: full, differencing, sector by sector.
import { randomBytes, randomUUID } from 'node:crypto'
import { createWriteStream, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Xapi } from '@xen-orchestra/xapi'
import { getSyncedHandler } from '@xen-orchestra/fs'
import { check, collect, failures, group, sha256, startServer } from '../common/support.mjs'

const { Disposable } = createRequire(import.meta.url)('promise-toolbox')
const { chainVhd, createReadableSparseStream, VhdFile } = createRequire(import.meta.url)('vhd-lib')

const MIB = 1024 * 1024
const BLOCK = 2 * MIB
const SECTOR = 512
const SIZE = 24 * MIB

const root = mkdtempSync(join(tmpdir(), 'xapicompat-adoption-'))
const fileOf = uuid => uuid + '.vhd'

// A dynamic image with the given blocks, from index to contents; answers its uuid.
async function image(folder, blocks) {
  const uuid = randomUUID()
  const indexes = [...blocks.keys()]
  const fragments = indexes.map(index => ({ logicalAddressBytes: index * BLOCK, data: blocks.get(index) }))
  await pipeline(await createReadableSparseStream(SIZE, BLOCK, indexes, fragments), createWriteStream(join(folder, fileOf(uuid))))
  return uuid
}

function applied(base, blocks) {
  const result = Buffer.from(base)
  for (const [index, data] of blocks) data.copy(result, index * BLOCK)
  return result
}

async function make(handler, folder) {
  const images = {}
  const full = new Map([0, 3, 7].map(index => [index, randomBytes(BLOCK)]))
  images.full = { uuid: await image(folder, full), bytes: applied(Buffer.alloc(SIZE), full) }

  const changed = new Map([3, 8].map(index => [index, randomBytes(BLOCK)]))
  images.child = { uuid: await image(folder, changed), bytes: applied(images.full.bytes, changed) }
  await chainVhd(handler, fileOf(images.full.uuid), handler, fileOf(images.child.uuid), true)

  // Single sectors: the rest of their block shows the parents.
  images.leaf = { uuid: await image(folder, new Map([[1, randomBytes(BLOCK)]])) }
  const leaf = applied(images.child.bytes, [])
  await chainVhd(handler, fileOf(images.child.uuid), handler, fileOf(images.leaf.uuid), true)
  await Disposable.use(VhdFile.open(handler, fileOf(images.leaf.uuid)), async vhd => {
    await vhd.readBlockAllocationTable()
    const { data } = await vhd.readBlock(1)
    data.copy(leaf, BLOCK)
    for (const [sector, count] of [[5, 1], [3 * 4096 + 100, 300], [7 * 4096 - 2, 4]]) {
      const bytes = randomBytes(count * SECTOR)
      bytes.copy(leaf, sector * SECTOR)
      await vhd.writeData(sector, bytes)
    }
  })
  images.leaf.bytes = leaf
  return images
}

const server = await startServer({ options: ['--sr-root', root] })
const xapi = new Xapi({ auth: { user: 'root', password: 'xapicompat' }, url: server.http, allowUnauthorized: true })
await xapi.connect()

await group('adoption', async () => {
  const uuid = randomUUID()
  const folder = join(root, uuid)
  const handler = await getSyncedHandler({ url: 'file://' + folder }).then(disposable => disposable.value)
  const images = await make(handler, folder)
  const before = readdirSync(folder).map(name => name + ' ' + sha256(readFileSync(join(folder, name)))).sort()

  const sr = await xapi.call('SR.introduce', uuid, 'made elsewhere', '', 'file', 'user', false, {})
  const [host] = await xapi.call('host.get_all')
  const pbd = await xapi.call('PBD.create', { host, SR: sr, device_config: { location: folder }, other_config: {} })
  await xapi.call('PBD.plug', pbd)
  await xapi.call('SR.scan', sr)
  const records = await Promise.all((await xapi.call('SR.get_VDIs', sr)).map(async ref => ({ ref, ...(await xapi.call('VDI.get_record', ref)) })))
  check('adoption: one disk for each image', records.length === 3 && records.every(record => Object.values(images).some(({ uuid }) => uuid === record.uuid)), JSON.stringify(records, undefined, 1))
  for (const [name, { uuid, bytes }] of Object.entries(images)) {
    const record = records.find(record => record.uuid === uuid)
    const data = await collect(await xapi.VDI_exportContent(record.ref, { format: 'raw' }))
    check('adoption: ' + name + ' has the bytes that the library wrote', sha256(data.subarray(0, SIZE)) === sha256(bytes.subarray(0, data.length)) && data.length >= Math.min(SIZE, Number(record.virtual_size)))
  }
  const readOnly = Object.fromEntries(records.map(record => [record.uuid, record.read_only]))
  check('adoption: an image that others are on is a disk to be read', readOnly[images.full.uuid] && readOnly[images.child.uuid] && !readOnly[images.leaf.uuid], JSON.stringify(readOnly))
  const refused = await xapi.call('VDI.destroy', records.find(record => record.uuid === images.full.uuid).ref).catch(error => error.code)
  check('adoption: it is not destroyed', refused === 'SR_BACKEND_FAILURE_80' , refused)
  check('adoption: no image was touched', JSON.stringify(readdirSync(folder).filter(name => name.endsWith('.vhd')).map(name => name + ' ' + sha256(readFileSync(join(folder, name)))).sort()) === JSON.stringify(before))

  const leaf = records.find(record => record.uuid === images.leaf.uuid).ref
  const snapshot = await xapi.call('VDI.snapshot', leaf, {})
  const bytes = sha256(await collect(await xapi.VDI_exportContent(snapshot, { format: 'raw' })))
  check('adoption: its chain can be snapshotted', bytes === sha256(await collect(await xapi.VDI_exportContent(leaf, { format: 'raw' }))))
})

await xapi.disconnect()
check('adoption: the server stops cleanly', (await server.stop()) === 0)
rmSync(root, { recursive: true, force: true })
process.exit(failures() === 0 ? 0 : 1)
