/** "13" and "102" are the numbers that NodeWarden has given backup progress. */
export const progressTypes = new Set(['backup.progress', '13', '102']);

// The steps of the known operations in order, to draw a bar where no percentage is
// sent. A run that ends another way is closed by done and ok, not by its step.
const sequences = [
  ['local_upload_received', 'local_create_shadow', 'local_import_data', 'local_restore_files', 'local_finalize', 'local_complete'],
  ['remote_fetch_archive', 'remote_create_shadow', 'remote_import_data', 'remote_restore_files', 'remote_finalize', 'remote_complete'],
  ['remote_run_prepare', 'remote_run_sync_attachments', 'remote_run_upload_archive', 'remote_run_verify_archive', 'remote_run_cleanup', 'remote_run_complete'],
  ['export_collect_data', 'export_package_archive', 'export_archive_ready'],
];

/**
 * What an event reports of a backup, or null. A type "13" of another meaning
 * (Bitwarden: a changed Send) has no operation, step and fileName.
 */
export function progressOf(event) {
  if (!progressTypes.has(event.type)) return null;
  const data = event.data?.Payload ?? event.data;
  const stepOK = typeof data?.step === 'string' || Number.isFinite(data?.step);
  return stepOK && typeof data.operation === 'string' && typeof data.fileName === 'string' ? data : null;
}

/** How a report leaves its run: running, ok or failed. */
export function stateOf({ done, ok, error }) {
  if (!done && !error) return 'running';
  return ok === false || error ? 'failed' : 'ok';
}

/** 0 to 1, or null if the report does not say how far it is. */
export function fractionOf({ percent, step, steps }) {
  const clamp = (x) => Math.min(1, Math.max(0, x));
  if (Number.isFinite(percent)) return clamp(percent / 100);
  if (Number.isFinite(step) && steps > 0) return clamp(step / steps);
  for (const sequence of sequences) {
    const place = sequence.indexOf(step);
    if (place >= 0) return (place + 1) / sequence.length;
  }
  return null;
}

/** The stage that a report names, for people. */
export function stageOf({ stageTitle, step }) {
  return humanize(stageTitle) || humanize(String(step));
}

/** "backup-remote-run" → "Remote run". */
export function operationName(operation) {
  return humanize(operation.replace(/^backup[-_.]/, '').replace(/[-.\s]+/g, '_').toLowerCase());
}

/** A progress event in a few words, or null if the event is none: "a.zip 40 %, Packing". */
export function describeProgress(event) {
  const data = progressOf(event);
  if (!data) return null;
  const fraction = fractionOf(data);
  const ends = { running: fraction === null ? '' : `${Math.round(fraction * 100)} %`, failed: 'failed', ok: 'done' };
  const how = ends[stateOf(data)];
  const title = stageOf(data);
  return [data.fileName, title.toLowerCase() === how ? '' : how, title].filter(Boolean).join(' · ');
}

/** "txt_backup_collect_data" → "Collect data"; other text stays as it is. */
export function humanize(text) {
  if (typeof text !== 'string') return '';
  if (!/^[a-z0-9]+(_[a-z0-9]+)*$/.test(text)) return text;
  const words = text.replace(/^txt_/, '').replace(/^backup_/, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
