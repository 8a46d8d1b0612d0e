using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>Turns typed values into the parameter types of handler methods.</summary>
internal static class ArgumentConversion
{
    public static Func<XenValue, object>? For(XenType type, Type parameter) => (type, parameter) switch
    {
        _ when parameter == typeof(XenValue) => v => v,
        (RefType, _) when parameter == typeof(Ref) => v => new Ref(((XenString)v).Text),
        (StringType or EnumType, _) when parameter == typeof(string) => v => ((XenString)v).Text,
        (IntType, _) when parameter == typeof(long) => v => ((XenInt)v).Number,
        (FloatType, _) when parameter == typeof(double) => v => ((XenDouble)v).Number,
        (BoolType, _) when parameter == typeof(bool) => v => ((XenBool)v).Flag,
        (DateTimeType, _) when parameter == typeof(XenDateTime) => v => v,
        (MapType or RecordType, _) when parameter == typeof(XenStruct) => v => v,
        (SetType, _) when parameter == typeof(XenArray) => v => v,
        _ => null,
    };
}

/// <summary>Turns what a handler method returns into the value of the answer.</summary>
internal static class ResultConversion
{
    public static Func<object?, ValueTask<XenValue>>? For(XenType? type, Type returned)
    {
        if (type is null)
        {
            if (returned == typeof(void))
                return _ => new(XenValue.Void);
            if (returned == typeof(ValueTask))
                return async r =>
                {
                    await (ValueTask)r!;
                    return XenValue.Void;
                };
            return null;
        }

        if (returned == typeof(XenValue))
            return r => new((XenValue)r!);
        if (returned == typeof(ValueTask<XenValue>))
            return r => (ValueTask<XenValue>)r!;
        return type switch
        {
            RefType when returned == typeof(Ref) => r => new(XenString.Of(((Ref)r!).Text)),
            RefType when returned == typeof(ValueTask<Ref>) => async r => XenString.Of((await (ValueTask<Ref>)r!).Text),
            StringType or EnumType when returned == typeof(string) => r => new(XenString.Of((string)r!)),
            StringType or EnumType when returned == typeof(ValueTask<string>) => async r => XenString.Of(await (ValueTask<string>)r!),
            IntType when returned == typeof(long) => r => new(XenInt.Of((long)r!)),
            BoolType when returned == typeof(bool) => r => new(XenValue.From((bool)r!)),
            SetType when returned == typeof(XenArray) => r => new((XenArray)r!),
            MapType or RecordType when returned == typeof(XenStruct) => r => new((XenStruct)r!),
            _ => null,
        };
    }
}
