using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using XapiCompat.Values;

namespace XapiCompat.Wire;

/// <summary>The grammar of a JSON-RPC call on top of a resumable <see cref="Utf8JsonReader"/>; members come in any order.</summary>
internal sealed class JsonCallParser
{
    [ThreadStatic]
    private static JsonCallParser? s_kept;

    private readonly CallBuilder _builder = new();
    private JsonReaderState _reader;
    private Place _place;
    private Member _member;
    private Member _seen;
    private bool _paramsIsObject;
    private bool _version20;
    private int _skipDepth;
    private string _id = "";

    private enum Place : byte
    {
        Outside,
        Members,
        MemberValue,
        Params,
        Argument,
        Skipped,
        Done,
    }

    [Flags]
    private enum Member : byte
    {
        Other = 0,
        Method = 1,
        Params = 2,
        Id = 4,
        Version = 8,
    }

    public long AllowedBytes => _builder.AllowedBytes;

    public static JsonCallParser Rent(RpcReadLimits limits)
    {
        var parser = s_kept ?? new JsonCallParser();
        s_kept = null;
        parser._builder.Start(limits);
        // Our own count of nested arguments stops first; the two levels above them and the reader's own habits get room.
        parser._reader = new JsonReaderState(new JsonReaderOptions { MaxDepth = limits.MaxDepth + 4 });
        return parser;
    }

    public void Return()
    {
        _builder.Clear();
        _reader = default;
        _place = Place.Outside;
        _seen = Member.Other;
        _paramsIsObject = _version20 = false;
        _id = "";
        s_kept = this;
    }

    /// <summary>Takes the complete tokens at the start of <paramref name="bytes"/> and returns how many bytes they had.</summary>
    public long Feed(ReadOnlySequence<byte> bytes, bool isFinal)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes, isFinal, _reader);
            while (reader.Read())
                Take(ref reader);
            _reader = reader.CurrentState;
            return reader.BytesConsumed;
        }
        catch (JsonException e)
        {
            throw new RpcReadException(RpcReadError.Malformed, "Not well-formed JSON.", e);
        }
    }

    public RpcRequest Finish()
    {
        if (_place != Place.Done)
            throw Malformed("The document ends too early.");
        if ((_seen & Member.Method) == 0 || (_seen & Member.Id) == 0)
            throw Malformed("A call needs method and id.");
        var call = new RpcCall(_builder.Method!, _builder.TakeArguments());
        if (_builder.OffendingText is null)
            return new RpcRequest(call, _version20 ? RpcProtocol.JsonRpc20 : RpcProtocol.JsonRpc10, _id);
        throw new RpcReadException(RpcReadError.NotUtf8, "A text is not valid UTF-8.")
        {
            OffendingText = _builder.OffendingText,
            AnswerAs = new RpcRequest(call, RpcProtocol.JsonRpcEscaped, "0"),
        };
    }

    private static RpcReadException Malformed(string message) => new(RpcReadError.Malformed, message);

    private void Take(ref Utf8JsonReader reader)
    {
        switch (_place)
        {
            case Place.Outside:
                _place = reader.TokenType == JsonTokenType.StartObject ? Place.Members : throw Malformed("A call is an object; batches are not taken.");
                break;
            case Place.Members:
                TakeName(ref reader);
                break;
            case Place.MemberValue:
                _place = Place.Members;
                TakeMember(ref reader);
                break;
            case Place.Params:
                if (reader.TokenType == JsonTokenType.EndArray)
                    _place = Place.Members;
                else
                    TakeValue(ref reader);
                break;
            case Place.Argument:
                TakeValue(ref reader);
                break;
            default:
                Skip(reader.TokenType);
                break;
        }
    }

    private void TakeName(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndObject)
        {
            _place = Place.Done;
            return;
        }

        _member = Is(ref reader, "method") ? Member.Method
            : Is(ref reader, "params") ? Member.Params
            : Is(ref reader, "id") ? Member.Id
            : Is(ref reader, "jsonrpc") ? Member.Version
            : Member.Other;
        // A second method could change what was allowed for the first.
        if ((_seen & _member) != 0)
            throw Malformed("A member of the call comes twice.");
        _seen |= _member;
        _place = Place.MemberValue;
    }

    private void TakeMember(ref Utf8JsonReader reader)
    {
        var token = reader.TokenType;
        switch (_member)
        {
            case Member.Method when token == JsonTokenType.String:
                _builder.SetMethod(Text(ref reader));
                break;
            case Member.Version when token == JsonTokenType.String && Is(ref reader, "2.0"):
                _version20 = true;
                break;
            case Member.Id:
                _id = Id(ref reader);
                break;
            case Member.Params when token == JsonTokenType.Null:
                break;
            case Member.Params when token == JsonTokenType.StartArray:
                _place = Place.Params;
                break;
            case Member.Params when token == JsonTokenType.StartObject:
                _paramsIsObject = true;
                TakeValue(ref reader);
                break;
            case Member.Other:
                _skipDepth = 0;
                Skip(token);
                break;
            default:
                throw Malformed("A member of the call has the wrong type.");
        }
    }

    private void TakeValue(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName:
                _builder.Name(Text(ref reader));
                return;
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                _builder.Begin(reader.TokenType == JsonTokenType.StartObject);
                _place = Place.Argument;
                return;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                _builder.End();
                break;
            case JsonTokenType.String:
                _builder.Add(XenString.Of(Text(ref reader)));
                break;
            case JsonTokenType.Number:
                _builder.Add(reader.TryGetInt64(out var number) ? XenInt.Of(number) : new XenDouble(reader.GetDouble()));
                break;
            case JsonTokenType.True or JsonTokenType.False:
                _builder.Add(reader.TokenType == JsonTokenType.True ? XenBool.True : XenBool.False);
                break;
            default:
                _builder.Add(XenNil.Instance);
                break;
        }

        if (_builder.Depth > 0)
            return;
        _place = _paramsIsObject ? Place.Members : Place.Params;
        _builder.ArgumentDone();
    }

    private void Skip(JsonTokenType token)
    {
        if (token is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            _builder.CheckDepth(++_skipDepth);
            _place = Place.Skipped;
        }
        else if (token is JsonTokenType.EndObject or JsonTokenType.EndArray)
        {
            _skipDepth--;
        }

        if (token != JsonTokenType.PropertyName)
            _builder.CountNode();
        if (_skipDepth == 0)
            _place = Place.Members;
    }

    /// <summary>Half of an escaped surrogate pair makes the reader's own comparison throw: escaped texts go through ours.</summary>
    private bool Is(ref Utf8JsonReader reader, string expected) =>
        reader.ValueIsEscaped ? Text(ref reader) == expected : reader.ValueTextEquals(expected);

    private string Text(ref Utf8JsonReader reader)
    {
        if (!reader.HasValueSequence && !reader.ValueIsEscaped)
            return _builder.Decode(reader.ValueSpan);

        var raw = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
        if (!reader.ValueIsEscaped || !Utf8.IsValid(raw))
            return _builder.Decode(raw);
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of an escaped surrogate pair.
            _builder.NoteOffending(Encoding.UTF8.GetString(raw));
            return "";
        }
    }

    private string Id(ref Utf8JsonReader reader)
    {
        var raw = reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan;
        switch (reader.TokenType)
        {
            case JsonTokenType.Number when !raw.ContainsAny(".eE"u8):
                return raw.Length == 1 && raw[0] == '0' ? "0" : Encoding.ASCII.GetString(raw);
            case JsonTokenType.String:
                return "\"" + _builder.Decode(raw) + "\"";
            default:
                throw Malformed("The id is neither an integer nor a string.");
        }
    }
}
