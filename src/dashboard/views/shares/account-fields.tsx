/** Whose rights the VM has in a folder. */
export function AccountFields() {
  return (
    <>
      <label>
        Account
        <input name="user" autocomplete="off" maxLength={256} placeholder="mobyvm's own" />
      </label>
      <label>
        Its password
        <input name="password" type="password" autocomplete="off" />
      </label>
      <label class="check">
        <input name="isReadOnly" type="checkbox" /> Read-only
      </label>
    </>
  );
}

/** What a form with these fields asks for. */
export function accountIn(given: FormData): object {
  const user = textIn(given, 'user').trim();
  return {
    isReadOnly: given.has('isReadOnly'),
    ...(user === '' ? {} : { user, password: textIn(given, 'password') }),
  };
}

export function textIn(given: FormData, name: string): string {
  const value = given.get(name);
  return typeof value === 'string' ? value : '';
}
