// The page: where it begins. State is in state/, what is drawn in pages/, parts/ and graph/.
import { render } from 'preact';
import { Shell } from './parts/shell.tsx';
import { keepConnected } from './state/connection.ts';
import './state/theme.ts';

const root = document.getElementById('app')!;
root.replaceChildren();
render(<Shell />, root);
keepConnected();
