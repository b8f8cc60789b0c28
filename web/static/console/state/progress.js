// "13" and "102" are the numbers that NodeWarden has given backup progress.
const types = new Set(['backup.progress', '13', '102']);

// A run that has said nothing for so long when another of its kind begins has come
// to no end of its own: whoever reported it is gone. Two may also run side by side.
const silentMs = 10_000;

// The steps of the known operations in order, to draw a bar where no percentage is
// sent. A run that ends another way is closed by done and ok, not by its step.
const sequences = [
  ['local_upload_received', 'local_create_shadow', 'local_import_data', 'local_restore_files', 'local_finalize', 'local_complete'],
  ['remote_fetch_archive', 'remote_create_shadow', 'remote_import_data', 'remote_restore_files', 'remote_finalize', 'remote_complete'],
  ['remote_run_prepare', 'remote_run_sync_attachments', 'remote_run_upload_archive', 'remote_run_verify_archive', 'remote_run_cleanup', 'remote_run_complete'],
  ['export_collect_data', 'export_package_archive', 'export_archive_ready'],
];

/** The runs of backup operations, newest first, as their progress events tell. Bounded. */
export class Progress {
  #runs = new Map();
  #limit;

  constructor(limit = 5) {
    this.#limit = limit;
  }

  /**
   * Takes any event and returns whether it was progress. A type "13" of another
   * meaning (Bitwarden: a changed Send) has no operation, step and fileName.
   */
  add({ event, origin }) {
    if (!types.has(event.type) || origin === 'redelivery') return false;
    const data = event.data?.Payload ?? event.data;
    if (!isProgress(data)) return false;

    const key = JSON.stringify([data.operation, data.fileName, data.source ?? '']);
    const before = this.#runs.get(key);
    // After its end the same name is a new run.
    const old = before && (before.state === 'running' || before.state === 'interrupted') ? before : { steps: 0, step: null, fraction: null };
    const steps = old.step === data.step ? old.steps : old.steps + 1;
    const run = {
      key,
      operation: data.operation,
      fileName: data.fileName,
      source: data.source ?? '',
      step: data.step,
      steps,
      title: humanize(data.stageTitle) || humanize(String(data.step)),
      detail: humanize(data.stageDetail),
      error: data.error ? String(data.error) : '',
      state: !data.done && !data.error ? 'running' : data.ok === false || data.error ? 'failed' : 'ok',
      ts: event.ts,
    };
    run.fraction = run.state === 'ok' ? 1 : (fractionOf(data) ?? old.fraction);
    if (old !== before) this.#interruptSilent(run);
    this.#runs.delete(key);
    this.#runs.set(key, run);
    if (this.#runs.size > this.#limit) this.#runs.delete(this.#runs.keys().next().value);
    return true;
  }

  /**
   * The log has begun anew, so the reports of what was running may be lost, or their
   * sender with the server. One that goes on says so with its next event.
   */
  interrupt() {
    for (const run of this.#runs.values()) {
      if (run.state === 'running') run.state = 'interrupted';
    }
  }

  #interruptSilent({ operation, source, ts }) {
    for (const run of this.#runs.values()) {
      const same = run.operation === operation && run.source === source;
      if (same && run.state === 'running' && ts - run.ts >= silentMs) run.state = 'interrupted';
    }
  }

  /** Running ones first, then the latest to change. */
  list() {
    const runs = [...this.#runs.values()].reverse();
    return [...runs.filter((run) => run.state === 'running'), ...runs.filter((run) => run.state !== 'running')];
  }

  clear() {
    this.#runs.clear();
  }
}

function isProgress(data) {
  const stepOK = typeof data?.step === 'string' || Number.isFinite(data?.step);
  return stepOK && typeof data.operation === 'string' && typeof data.fileName === 'string';
}

/** "backup-remote-run" → "Remote run". */
export function operationName(operation) {
  return humanize(operation.replace(/^backup[-_.]/, '').replace(/[-.\s]+/g, '_').toLowerCase());
}

/** A progress event in a few words, or null if the event is none: "a.zip 40 %, Packing". */
export function describeProgress(event) {
  const data = types.has(event.type) ? (event.data?.Payload ?? event.data) : null;
  if (!isProgress(data)) return null;
  const fraction = fractionOf(data);
  const how = data.done ? (data.ok === false || data.error ? 'failed' : 'done') : fraction === null ? '' : `${Math.round(fraction * 100)} %`;
  const title = humanize(data.stageTitle) || humanize(String(data.step));
  const said = title.toLowerCase() === how;
  return [data.fileName, said ? '' : how, title].filter(Boolean).join(' · ');
}

/** 0 to 1, or null if the event does not say how far it is. */
function fractionOf({ percent, step, steps }) {
  const clamp = (x) => Math.min(1, Math.max(0, x));
  if (Number.isFinite(percent)) return clamp(percent / 100);
  if (Number.isFinite(step) && steps > 0) return clamp(step / steps);
  for (const sequence of sequences) {
    const place = sequence.indexOf(step);
    if (place >= 0) return (place + 1) / sequence.length;
  }
  return null;
}

/** "txt_backup_collect_data" → "Collect data"; other text stays as it is. */
export function humanize(text) {
  if (typeof text !== 'string') return '';
  if (!/^[a-z0-9]+(_[a-z0-9]+)*$/.test(text)) return text;
  const words = text.replace(/^txt_/, '').replace(/^backup_/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
