// The scenes that play against the hubs of a Go program, besides those of play.js.
import * as asking from './asking.js';
import * as calling from './calling.js';
import * as doors from './doors.js';
import * as lives from './lives.js';
import * as people from './people.js';
import { scenes } from './play.js';
import * as stateful from './stateful.js';
import * as streaming from './streaming.js';
import * as uploading from './uploading.js';

Object.assign(scenes, calling, streaming, uploading, asking, people, lives, doors, stateful);

export { play } from './play.js';
