using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands.Vm;

/// <summary>The template of an installation, which a command line names in one of four ways.</summary>
public static class TemplateChoice
{
    public static async Task<string> FindAsync(XeCall call)
    {
        var template = await ChosenAsync(call);
        return ((XenBool)await call.Api.CallAsync("VM.get_is_a_template", template)).Flag ? template : throw new XeException("Can only install from templates");
    }

    private static async Task<string> ChosenAsync(XeCall call)
    {
        if (call.Parameters.Find("template-uuid") is { } uuid)
            return await ByUuidAsync(call, uuid) ?? throw new XeException("Cannot find template");
        if ((call.Parameters.Find("template-name-label") ?? call.Parameters.Find("template-name")) is { } name)
            return await ByNameAsync(call, name);
        if (call.Parameters.Find("template") is { } either)
            return await ByUuidAsync(call, either) ?? await ByNameAsync(call, either);
        throw new XeException("A template is named by 'template-uuid', 'template-name', 'template-name-label' or 'template'");
    }

    private static async Task<string?> ByUuidAsync(XeCall call, string uuid)
    {
        try
        {
            return await call.Api.ByUuidAsync("VM", uuid);
        }
        catch (XenException)
        {
            return null;
        }
    }

    private static async Task<string> ByNameAsync(XeCall call, string name)
    {
        var templates = new List<string>();
        foreach (var vm in await call.Api.ListAsync("VM.get_by_name_label", name))
        {
            var record = await call.Api.RecordAsync("VM", vm);
            if (((XenBool)record["is_a_template"]!).Flag && !((XenBool)record["is_control_domain"]!).Flag)
                templates.Add(vm);
        }

        return templates switch
        {
            [var only] => only,
            [] => throw new XeException("No templates matched"),
            _ => throw new XeException("More than one matching template found"),
        };
    }
}
