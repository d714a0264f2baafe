import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsString } from 'class-validator';
import { PageCursor, PageLimit } from '../../common/paging/page-query';
import { IsCleanLines, IsCleanText } from '../../common/validation/clean-text';
import { MaxCharacters } from '../../common/validation/max-characters';
import { MayBeMissing } from '../../common/validation/may-be-missing';
import { IsNotBlank } from '../../common/validation/not-blank';

const TITLE = { minLength: 1, maxLength: 200, example: 'Water the plants' };
const DESCRIPTION = { required: false, maxLength: 5000, example: 'All but the cactus' };

export class ListTasksRequest {
  @PageLimit(20)
  limit: number = 20;

  @PageCursor('AZpcHnwbemOxpG1vCi-cEQ')
  cursor?: string;
}

export class CreateTaskRequest {
  @ApiProperty(TITLE)
  @IsNotBlank()
  @IsCleanText()
  @MaxCharacters(200)
  @IsString()
  title: string;

  @ApiProperty({ ...DESCRIPTION, default: '' })
  @MayBeMissing()
  @IsCleanLines()
  @MaxCharacters(5000)
  @IsString()
  description: string = '';

  @ApiProperty({ required: false, default: false })
  @MayBeMissing()
  @IsBoolean({ message: 'must be true or false' })
  completed: boolean = false;
}

export class UpdateTaskRequest {
  @ApiProperty({ ...TITLE, required: false })
  @MayBeMissing()
  @IsNotBlank()
  @IsCleanText()
  @MaxCharacters(200)
  @IsString()
  title?: string;

  @ApiProperty(DESCRIPTION)
  @MayBeMissing()
  @IsCleanLines()
  @MaxCharacters(5000)
  @IsString()
  description?: string;

  @ApiProperty({ required: false, example: true })
  @MayBeMissing()
  @IsBoolean({ message: 'must be true or false' })
  completed?: boolean;
}
