import type { ComponentType } from 'react';
import { AccountPage } from './account/account-page';
import { Frame } from './frame';
import { ConfirmEmailPage } from './pages/confirm-email';
import { ForgotPasswordPage } from './pages/forgot-password';
import { LoginPage } from './pages/login';
import { NotFoundPage } from './pages/not-found';
import { NotMePage } from './pages/not-me';
import { RegisterPage } from './pages/register';
import { ResetPasswordPage } from './pages/reset-password';
import { StartPage } from './pages/start';
import { VerifyEmailPage } from './pages/verify-email';
import { usePath } from './routing/router';
import { SessionProvider } from './session/session';
import { TasksPage } from './tasks/tasks-page';

/** The service knows the same paths: src/pages/pages.ts. */
const PAGES: Record<string, ComponentType> = {
  '/': StartPage,
  '/login': LoginPage,
  '/register': RegisterPage,
  '/verify-email': VerifyEmailPage,
  '/confirm-email': ConfirmEmailPage,
  '/not-me': NotMePage,
  '/forgot-password': ForgotPasswordPage,
  '/reset-password': ResetPasswordPage,
  '/account': AccountPage,
  '/tasks': TasksPage,
};

export function App() {
  const path = usePath();
  const Page = Object.hasOwn(PAGES, path) ? PAGES[path]! : NotFoundPage;
  return (
    <SessionProvider>
      <Frame>
        <Page key={path} />
      </Frame>
    </SessionProvider>
  );
}
