import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.js';
import type { Live } from '../live.js';
import type { SettingsAnswer } from '../messages.js';
import { Card, Empty, ProblemNote, useAction } from '../parts.js';
import { fieldText, problemsIn, settingFields, settingsFrom, type SettingField } from '../setting-fields.js';
import { Pending } from './overview.js';

type Texts = Readonly<Record<string, string>>;

interface Loaded {
  readonly answer: SettingsAnswer;
  readonly isSaved: boolean;
  /** Each time that the form begins again. */
  readonly round: number;
}

export function Settings({ live: { status } }: { live: Live }) {
  const [loaded, setLoaded] = useState<Loaded | undefined>(undefined);
  const action = useAction();
  const show = (answer: SettingsAnswer, isSaved: boolean): void => {
    setLoaded((before) => ({ answer, isSaved, round: (before?.round ?? 0) + 1 }));
  };
  const load = (): void =>
    void action.run(async () => show(await call<SettingsAnswer>('/v1/settings'), false));
  useEffect(load, []);
  if (action.problem !== undefined) return <ProblemNote problem={action.problem} />;
  if (loaded === undefined) return <Empty>Loading…</Empty>;
  const { answer, isSaved, round } = loaded;
  return (
    <>
      {status !== undefined && <Pending status={status} />}
      <Editor
        key={round}
        loaded={answer}
        isSaved={isSaved}
        onLoad={load}
        onSaved={(saved) => show(saved, true)}
      />
    </>
  );
}

interface EditorProps {
  readonly loaded: SettingsAnswer;
  readonly isSaved: boolean;
  readonly onLoad: () => void;
  readonly onSaved: (answer: SettingsAnswer) => void;
}

function Editor({ loaded, isSaved, onLoad, onSaved }: EditorProps) {
  const fields = settingFields(loaded.schema, loaded.defaults);
  const initial = Object.fromEntries(
    fields.map(({ name, group, key }) => [name, fieldText(loaded.settings[group]?.[key])]),
  );
  const [texts, setTexts] = useState<Texts>(initial);
  const action = useAction();
  const isChanged = fields.some(({ name }) => texts[name] !== initial[name]);
  const save = async (): Promise<void> => {
    const settings = settingsFrom(loaded.settings, fields, texts);
    onSaved(await call<SettingsAnswer>('/v1/settings', { settings, revision: loaded.revision }));
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void action.run(save);
      }}
    >
      <p class="muted">
        <code>{loaded.path}</code>. An empty field means the default. Changes take effect at the next start or
        restart.
      </p>
      <Groups
        fields={fields}
        texts={texts}
        wrong={problemsIn(action.problem?.message ?? '', fields)}
        onText={(name, text) => setTexts({ ...texts, [name]: text })}
      />
      <div class="save-bar">
        {action.problem !== undefined && <ProblemNote problem={action.problem} />}
        <div class="buttons">
          <button type="submit" class="primary" disabled={!isChanged || action.isBusy}>
            {action.isBusy ? 'Saving…' : 'Save'}
          </button>
          <button type="button" disabled={!isChanged || action.isBusy} onClick={onLoad}>
            Discard changes
          </button>
          <span role="status">{isSaved && !isChanged ? 'Saved.' : ''}</span>
        </div>
      </div>
    </form>
  );
}

interface GroupsProps {
  readonly fields: readonly SettingField[];
  readonly texts: Texts;
  readonly wrong: Texts;
  readonly onText: (name: string, text: string) => void;
}

function Groups({ fields, texts, wrong, onText }: GroupsProps) {
  const groups = [...new Set(fields.map(({ group }) => group))];
  return (
    <>
      {groups.map((group) => (
        <Card key={group} title={group}>
          <div class="fields">
            {fields
              .filter((field) => field.group === group)
              .map((field) => (
                <Field
                  key={field.name}
                  field={field}
                  text={texts[field.name] ?? ''}
                  problem={wrong[field.name]}
                  onText={(text) => onText(field.name, text)}
                />
              ))}
          </div>
        </Card>
      ))}
    </>
  );
}

interface FieldProps {
  readonly field: SettingField;
  readonly text: string;
  readonly problem: string | undefined;
  readonly onText: (text: string) => void;
}

function Field({ field, text, problem, onText }: FieldProps) {
  const { name, help, usual } = field;
  const id = `setting-${name}`;
  return (
    <div class={problem === undefined ? 'field' : 'field wrong'}>
      <label for={id}>
        <code>{name}</code>
      </label>
      <Input field={field} id={id} text={text} isWrong={problem !== undefined} onText={onText} />
      <small id={`${id}-help`}>
        <Help text={help} /> {usual !== undefined && <span>Default: {fieldText(usual)}.</span>}
      </small>
      {problem !== undefined && (
        <small class="problem" id={`${id}-problem`}>
          {problem}
        </small>
      )}
    </div>
  );
}

/** Descriptions are Markdown with nothing but code in it. */
function Help({ text }: { text: string }) {
  return <>{text.split('`').map((part, at) => (at % 2 === 0 ? part : <code key={at}>{part}</code>))}</>;
}

interface InputProps {
  readonly field: SettingField;
  readonly id: string;
  readonly text: string;
  readonly isWrong: boolean;
  readonly onText: (text: string) => void;
}

function Input({ field, id, text, isWrong, onText }: InputProps) {
  const { kind, choices, usual } = field;
  const named = {
    id,
    value: text,
    'aria-invalid': isWrong,
    'aria-describedby': isWrong ? `${id}-problem ${id}-help` : `${id}-help`,
  };
  if (kind === 'choice' || kind === 'switch')
    return (
      <select {...named} onChange={({ currentTarget }) => onText(currentTarget.value)}>
        <option value="">default ({fieldText(usual)})</option>
        {(kind === 'switch' ? ['true', 'false'] : choices).map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  if (kind === 'json')
    return (
      <textarea
        {...named}
        rows={2}
        spellcheck={false}
        placeholder={fieldText(usual)}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
      />
    );
  return (
    <input
      {...named}
      inputMode={kind === 'number' ? 'numeric' : 'text'}
      spellcheck={false}
      autocomplete="off"
      placeholder={fieldText(usual)}
      onInput={({ currentTarget }) => onText(currentTarget.value)}
    />
  );
}
