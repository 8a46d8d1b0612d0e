using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Core.Dispatch;

/// <summary>The struct that a generated constructor takes: typed, completed with defaults, freed of unknown members.</summary>
public static class CreateRecord
{
    /// <summary>
    /// Types the members of a create record. A required member that is missing takes its type's empty value, or is
    /// refused when <paramref name="strict"/>, as the real server does. Members of read-only fields and unknown ones are dropped.
    /// </summary>
    public static XenStruct Complete(ClassDef @class, XenStruct given, bool strict)
    {
        var names = new List<string>();
        var values = new List<XenValue>();
        foreach (var (name, required) in @class.RequiredMembers.Select(m => (m, true)).Concat(@class.OptionalMembers.Select(m => (m, false))))
        {
            var field = @class.Find(name);
            if (field is null)
                continue;
            var value = given[name];
            if (value is null or XenNil)
            {
                if (required && strict)
                    throw new XenTypeException("the record lacks the member " + name);
                value = field.Default;
            }
            else
            {
                try
                {
                    value = field.Type.Coerce(value);
                }
                catch (XenTypeException e)
                {
                    throw new XenTypeException(name + ": " + e.Message);
                }
            }

            names.Add(name);
            values.Add(value);
        }

        return new(names, values);
    }

    public static IEnumerable<(string Field, XenValue Value)> Fields(ClassDef @class, XenStruct members)
    {
        for (var i = 0; i < members.Count; i++)
        {
            if (@class.Find(members.Names[i]) is { Computed: false } field)
                yield return (field.Name, Storable.Clean(members.Values[i]));
        }
    }
}
