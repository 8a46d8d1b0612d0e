using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>Runs one message with arguments already counted, typed and completed.</summary>
public delegate ValueTask<XenValue> MessageHandler(CallContext context, IReadOnlyList<XenValue> arguments);

/// <summary>
/// The messages that have code of their own. Binding compares every marked method with the datamodel and reports all
/// mismatches at once, so that a wrong signature never reaches a client.
/// </summary>
public sealed class HandlerTable
{
    private readonly Dictionary<MessageDef, MessageHandler> _handlers = [];
    private readonly List<string> _mismatches = [];
    private readonly Model _model;

    public HandlerTable(Model model) => _model = model;

    public IReadOnlyCollection<MessageDef> Bound => _handlers.Keys;

    public MessageHandler? Find(MessageDef message) => _handlers.GetValueOrDefault(message);

    /// <summary>Binds every marked public method of <paramref name="handlers"/>.</summary>
    public HandlerTable Bind<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] T>(T handlers)
        where T : class
    {
        foreach (var method in typeof(T).GetMethods(BindingFlags.Public | BindingFlags.Instance))
        {
            foreach (var mark in method.GetCustomAttributes<XenMessageAttribute>())
                BindOne(handlers, method, mark.Message);
        }

        return this;
    }

    /// <summary>Call after the last <see cref="Bind{T}"/>.</summary>
    public HandlerTable Verify() =>
        _mismatches.Count == 0 ? this : throw new InvalidOperationException("handlers do not fit the datamodel:\n" + string.Join('\n', _mismatches));

    private void BindOne(object target, MethodInfo method, string name)
    {
        var place = method.DeclaringType!.Name + "." + method.Name + " for " + name + ": ";
        if (_model.FindMessage(name) is not { } message)
        {
            _mismatches.Add(place + "no such message");
            return;
        }

        if (_handlers.ContainsKey(message))
        {
            _mismatches.Add(place + "bound twice");
            return;
        }

        var parameters = method.GetParameters();
        if (parameters.Length != message.Parameters.Count + 1 || parameters[0].ParameterType != typeof(CallContext))
        {
            _mismatches.Add(place + "expected CallContext and " + message.Parameters.Count + " parameters");
            return;
        }

        var converters = new Func<XenValue, object>[message.Parameters.Count];
        for (var i = 0; i < converters.Length; i++)
        {
            if (ArgumentConversion.For(message.Parameters[i].Type, parameters[i + 1].ParameterType) is { } converter)
                converters[i] = converter;
            else
                _mismatches.Add(place + "parameter " + message.Parameters[i].Name + " is " + message.Parameters[i].Type.Describe() + ", not " + parameters[i + 1].ParameterType.Name);
        }

        var finish = ResultConversion.For(message.Result, method.ReturnType);
        if (finish is null)
        {
            _mismatches.Add(place + "result is " + (message.Result?.Describe() ?? "void") + ", not " + method.ReturnType.Name);
            return;
        }

        var invoker = MethodInvoker.Create(method);
        _handlers[message] = (context, arguments) =>
        {
            var values = new object?[converters.Length + 1];
            values[0] = context;
            for (var i = 0; i < converters.Length; i++)
                values[i + 1] = converters[i](arguments[i]);
            return finish(invoker.Invoke(target, values.AsSpan()));
        };
    }
}
