import { render } from 'preact';
import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/viewer.css';
import './styles/pages.css';
import { App } from './app/app';
import { reopen } from './workspace/current-file';
import { startRouter } from '../console-kit/parts/router';
import './app/theme';

startRouter();
void reopen();
const root = document.getElementById('app');
if (root) render(<App />, root);
