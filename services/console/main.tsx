import { render } from 'preact';
import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/viewer.css';
import { App } from './app/app';
import { startRouter } from './parts/router';
import './app/theme';

startRouter();
const root = document.getElementById('app');
if (root) render(<App />, root);
