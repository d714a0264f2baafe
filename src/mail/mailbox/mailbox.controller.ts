import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../../common/access/public.decorator';
import { AppError } from '../../common/errors/app-error';
import { Mailbox, type ReceivedLetter } from './mailbox';
import { MailboxPage } from './mailbox.page';

/** Letters bring styles of their own but no scripts; the sandbox gives the document an origin apart from this one. */
const LETTER_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; " +
  "img-src data:; frame-ancestors 'self'";

/** What was mailed, for developers. There is no such route where SMTP_URL is set. */
@Public()
@ApiExcludeController()
@Controller('dev/mailbox')
export class MailboxController {
  constructor(
    private readonly mailbox: Mailbox,
    private readonly page: MailboxPage,
  ) {}

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  list(): string {
    return this.page.list(this.mailbox.letters());
  }

  @Get('style.css')
  @Header('Content-Type', 'text/css; charset=utf-8')
  @Header('Cache-Control', 'no-cache')
  style(): string {
    return this.page.style;
  }

  @Get('letters')
  @Header('Cache-Control', 'no-store')
  letters(@Query('to') to?: string | string[]): ReceivedLetter[] {
    return this.mailbox.letters([to].flat()[0]);
  }

  @Get('letters/:id')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @Header('Content-Security-Policy', LETTER_POLICY)
  letter(@Param('id') id: string): string {
    const letter = this.mailbox.find(id);
    if (!letter) throw new AppError('not_found');
    return this.page.letter(letter);
  }
}
