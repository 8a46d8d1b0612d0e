using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Queries;

/// <summary>
/// The expression of <c>get_all_records_where</c>. "and" and "or" bind alike, to the left; "not" binds weaker than both.
/// Parsing and evaluation are iterative in the number of terms and bounded in nesting.
/// </summary>
public sealed class QueryExpression
{
    private const int MaxDepth = 200;

    private readonly Func<Record, bool> _test;

    private QueryExpression(Func<Record, bool> test) => _test = test;

    /// <summary>Throws INVALID_VALUE with the expression when it cannot be parsed.</summary>
    public static QueryExpression Parse(string text)
    {
        var parser = new Parser(text);
        var test = parser.Expression(0);
        parser.ExpectEnd();
        return new(test);
    }

    public bool Matches(Record record) => _test(record);

    private sealed class Parser(string text)
    {
        private int _at;

        public Func<Record, bool> Expression(int depth)
        {
            if (depth > MaxDepth)
                throw Bad();
            if (TakeWord("not"))
            {
                var negated = Expression(depth + 1);
                return r => !negated(r);
            }

            List<(bool And, Func<Record, bool> Test)> terms = [(true, Term(depth))];
            while (true)
            {
                var and = TakeWord("and");
                if (!and && !TakeWord("or"))
                    break;
                if (PeekWord("not"))
                {
                    // Everything to the right belongs to the not.
                    terms.Add((and, Expression(depth + 1)));
                    break;
                }

                terms.Add((and, Term(depth)));
            }

            if (terms.Count == 1)
                return terms[0].Test;
            return r =>
            {
                var result = terms[0].Test(r);
                foreach (var (and, test) in terms.Skip(1))
                    result = and ? result && test(r) : result || test(r);
                return result;
            };
        }

        public void ExpectEnd()
        {
            SkipBlanks();
            if (_at != text.Length)
                throw Bad();
        }

        private Func<Record, bool> Term(int depth)
        {
            SkipBlanks();
            if (TakeSymbol('('))
            {
                var inner = Expression(depth + 1);
                return TakeSymbol(')') ? inner : throw Bad();
            }

            if (TakeWord("true"))
                return _ => true;
            if (TakeWord("false"))
                return _ => false;
            var left = Value();
            if (!TakeSymbol('='))
                throw Bad();
            var right = Value();
            return r => left(r) == right(r);
        }

        private Func<Record, string> Value()
        {
            if (!TakeWord("field"))
            {
                var literal = Quoted();
                return _ => literal;
            }

            var column = Quoted();
            return r => QueryText.Column(r, column) ?? throw new XenException("INTERNAL_ERROR", "no such column: " + column);
        }

        private string Quoted()
        {
            if (!TakeSymbol('"'))
                throw Bad();
            var end = text.IndexOf('"', _at);
            if (end < 0)
                throw Bad();
            var value = text[_at..end];
            _at = end + 1;
            return value;
        }

        private bool TakeSymbol(char symbol)
        {
            SkipBlanks();
            if (_at >= text.Length || text[_at] != symbol)
                return false;
            _at++;
            return true;
        }

        private bool PeekWord(string word)
        {
            var start = _at;
            var found = TakeWord(word);
            _at = start;
            return found;
        }

        private bool TakeWord(string word)
        {
            SkipBlanks();
            if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0)
                return false;
            var end = _at + word.Length;
            if (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
                return false;
            _at = end;
            return true;
        }

        private void SkipBlanks()
        {
            while (_at < text.Length && text[_at] is (' ' or '\t' or '\n' or '\r'))
                _at++;
        }

        private XenException Bad() => new("INVALID_VALUE", text, "the expression cannot be parsed at position " + _at);
    }
}
