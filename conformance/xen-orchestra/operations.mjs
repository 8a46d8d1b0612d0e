// Random operations of one client: disks, machines, devices, power, networks, settings. Refusals are part of it.
import { setTimeout as delay } from 'node:timers/promises'

const MIB = 1024 * 1024
const NULL = 'OpaqueRef:NULL'

// Numerical Recipes' generator: the same programs for the same seed.
function generator(seed) {
  let state = seed >>> 0
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

export class Operations {
  done = 0
  refused = 0
  unexpected = []

  constructor(xapi, seed) {
    this.xapi = xapi
    this.pick = generator(seed)
    this.name = 'worker ' + seed
    this.vdis = []
    this.vms = []
    this.networks = []
  }

  async disconnect() {
    await this.xapi.disconnect()
  }

  async run(goOn) {
    this.sr = await this.xapi.call('pool.get_default_SR', (await this.xapi.call('pool.get_all'))[0])
    this.pool = (await this.xapi.call('pool.get_all'))[0]
    this.wire = (await this.xapi.call('network.get_all'))[0]
    const kinds = Object.getOwnPropertyNames(Object.getPrototypeOf(this)).filter(name => name.startsWith('do'))
    while (goOn()) {
      this.done++
      try {
        await this[kinds[this.pick(kinds.length)]]()
      } catch (error) {
        this.refused++
        if (!/^[A-Z][A-Z0-9_]+$/.test(error.code ?? '') || error.code === 'INTERNAL_ERROR' || error.code === 'MESSAGE_METHOD_UNKNOWN') {
          this.unexpected.push(String(error?.stack ?? error))
        }
      }
    }
  }

  // An Async call to its end, by polling: this connection does not follow events.
  async async(method, ...params) {
    const task = await this.xapi.call('Async.' + method, ...params)
    for (let pause = 2; ; pause = Math.min(2 * pause, 100)) {
      const { status, error_info: failure, result } = await this.xapi.call('task.get_record', task)
      if (status !== 'pending') {
        await this.xapi.call('task.destroy', task)
        if (status !== 'success') throw Object.assign(new Error(failure.join(' ')), { code: failure[0] })
        return result.replace(/^<value>|<\/value>$/g, '')
      }
      await delay(pause)
    }
  }

  one(list) {
    return list.length === 0 ? NULL : list[this.pick(list.length)]
  }

  async doCreateDisk() {
    if (this.vdis.length > 30) return
    this.vdis.push(
      await this.xapi.call('VDI.create', {
        name_label: this.name, name_description: '', SR: this.sr, virtual_size: MIB * (1 + this.pick(8)), type: 'user',
        sharable: false, read_only: false, other_config: {}, tags: ['random'],
      })
    )
  }

  async doCopyDisk() {
    if (this.vdis.length > 30) return
    this.vdis.push(await this.async(this.pick(2) ? 'VDI.snapshot' : 'VDI.clone', this.one(this.vdis)))
  }

  async doDestroyDisk() {
    const vdi = this.one(this.vdis)
    await this.async('VDI.destroy', vdi)
    this.vdis = this.vdis.filter(other => other !== vdi)
  }

  async doRenameDisk() {
    const vdi = this.one(this.vdis)
    await this.xapi.call('VDI.set_name_label', vdi, this.name + ' ' + this.pick(1000))
    await this.xapi.call('VDI.add_tags', vdi, 'tag ' + this.pick(5))
    await this.xapi.call('VDI.set_other_config', vdi, { number: String(this.pick(10)) })
  }

  async doResizeDisk() {
    await this.xapi.call('VDI.resize', this.one(this.vdis), MIB * (8 + this.pick(8)))
  }

  async doCreateMachine() {
    if (this.vms.length > 12) return
    this.vms.push(
      await this.xapi.call('VM.create', {
        name_label: this.name, user_version: 1, is_a_template: false, affinity: NULL,
        memory_static_max: 128 * MIB, memory_dynamic_max: 128 * MIB, memory_dynamic_min: 128 * MIB, memory_static_min: 128 * MIB,
        VCPUs_params: {}, VCPUs_max: 1, VCPUs_at_startup: 1, actions_after_shutdown: 'destroy', actions_after_reboot: 'restart',
        actions_after_crash: 'restart', PV_bootloader: '', PV_kernel: '', PV_ramdisk: '', PV_args: '', PV_bootloader_args: '',
        PV_legacy_args: '', HVM_boot_policy: 'BIOS order', HVM_boot_params: { order: 'c' }, platform: {}, PCI_bus: '', other_config: {},
        recommendations: '',
      })
    )
  }

  async doAttachDisk() {
    await this.xapi.call('VBD.create', {
      VM: this.one(this.vms), VDI: this.one(this.vdis), userdevice: 'autodetect', bootable: false, mode: 'RW', type: 'Disk', empty: false,
      other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {},
    })
  }

  async doDetachDisk() {
    const vbds = await this.xapi.call('VM.get_VBDs', this.one(this.vms))
    const vbd = this.one(vbds)
    if (this.pick(2)) await this.async('VBD.unplug', vbd)
    else await this.xapi.call('VBD.destroy', vbd)
  }

  async doAttachInterface() {
    await this.xapi.call('VIF.create', {
      VM: this.one(this.vms), network: this.pick(3) ? this.wire : this.one(this.networks), device: String(this.pick(7)), MAC: '', MTU: 1500,
      other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {},
    })
  }

  async doNetwork() {
    if (this.pick(2)) {
      this.networks.push(await this.xapi.call('network.create', { name_label: this.name, name_description: '', MTU: 1500, other_config: {}, bridge: '', managed: true, tags: [] }))
    } else {
      const network = this.one(this.networks)
      await this.xapi.call('network.destroy', network)
      this.networks = this.networks.filter(other => other !== network)
    }
  }

  async doCopyMachine() {
    if (this.vms.length > 12) return
    const kind = ['VM.snapshot', 'VM.clone', 'VM.checkpoint'][this.pick(3)]
    this.vms.push(await this.async(kind, this.one(this.vms), this.name))
  }

  async doRevert() {
    await this.async('VM.revert', this.one(this.vms))
  }

  async doPower() {
    const vm = this.one(this.vms)
    const [name, ...rest] = [
      ['start', false, false], ['start', true, false], ['hard_shutdown'], ['clean_shutdown'], ['suspend'], ['resume', false, false], ['pause'],
      ['unpause'], ['hard_reboot'], ['clean_reboot'],
    ][this.pick(10)]
    await this.async('VM.' + name, vm, ...rest)
  }

  async doDestroyMachine() {
    const vm = this.one(this.vms)
    await this.async('VM.destroy', vm)
    this.vms = this.vms.filter(other => other !== vm)
  }

  async doSettings() {
    const vm = this.one(this.vms)
    await this.xapi.call('VM.set_name_description', vm, 'number ' + this.pick(10))
    await this.xapi.call('VM.add_tags', vm, 'tag ' + this.pick(3))
    await this.xapi.call('VM.set_blocked_operations', vm, this.pick(4) ? {} : { start: 'TEST' })
  }

  async doPool() {
    const key = 'random-' + this.pick(3)
    await this.xapi.call('pool.remove_from_other_config', this.pool, key)
    await this.xapi.call('pool.add_to_other_config', this.pool, key, String(this.pick(100)))
  }

  async doScan() {
    await this.xapi.call('SR.scan', this.sr)
  }

  async doTask() {
    const task = await this.xapi.call('task.create', this.name, '')
    await this.xapi.call('task.set_status', task, 'success')
    await this.xapi.call('task.destroy', task)
  }
}
