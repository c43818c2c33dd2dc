// A promise that is settled when it is made. Tailwind's compiler waits for nothing but what it is given: with these in
// place of Chromium's own it runs to its end in one go, where a time limit can stop it.
class SettledPromise {
  constructor(run) {
    const resolve = (value) => (this.value = value instanceof SettledPromise ? value.value : value);
    const reject = (error) => {
      throw error;
    };
    run(resolve, reject);
  }

  then(fulfilled) {
    fulfilled(this.value);
  }

  static resolve(value) {
    return new SettledPromise((resolve) => resolve(value));
  }

  static all(values) {
    return SettledPromise.resolve(values.map((each) => SettledPromise.resolve(each).value));
  }
}
