using FluentAssertions;
using Xunit;
using XapiCompat.Testing;

namespace XapiCompat.Xe.Tests;

/// <summary>scripts/xe-completion.bash with an xe that answers as a server would have it.</summary>
public sealed class CompletionTests : IDisposable
{
    private const string Xe = """
        #!/bin/bash
        echo "$*" >>asked
        while [[ $1 == -* ]]; do shift 2; done
        case "$*" in
            "help --all --minimal") echo "event-wait,pbd-list,sm-list,sr-list,vdi-create,vdi-import,vdi-list,vdi-param-get,vdi-param-list,vm-list,vm-start" ;;
            "help vdi-import") printf 'command name        : vdi-import\n        reqd params     : uuid, filename\n        optional params : format, progress\n        description     : x\n\n' ;;
            "help vm-start") printf 'command name        : vm-start\n        reqd params     : \n        optional params : force, on, <vm-selectors>\n\n' ;;
            "vdi-list params=uuid --minimal") echo "aaa-1,aab-2,b-3" ;;
            "sr-list params=uuid --minimal") echo "sr-1" ;;
            "vm-list params=name-label --minimal") echo 'web one,a\,b,web2' ;;
            "vdi-list params=all") printf 'uuid ( RO)                  : 1\n          name-label ( RW): x\n         sm-config (MRO): \n              tags (SRW): \n\n\nuuid ( RO) : 2\n\n' ;;
        esac
        """;

    private readonly TempDirectory _directory = new();

    public CompletionTests()
    {
        File.WriteAllText(_directory.File("xe"), Xe + "\n");
        File.SetUnixFileMode(_directory.File("xe"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(_directory.File("disk.img"), "");
    }

    public void Dispose() => _directory.Dispose();

    [SkippableTheory]
    [InlineData("./xe vdi-", "vdi-create|vdi-import|vdi-list|vdi-param-get|vdi-param-list")]
    [InlineData("./xe -s h help vm", "vm-list|vm-start")]
    [InlineData("./xe vdi-import ", "uuid=|filename=|format=|--progress")]
    [InlineData("./xe vdi-import fi", "filename=")]
    [InlineData("./xe vm-start ", "--force|on=|vm=|uuid=|--multiple")]
    [InlineData("./xe vdi-import uuid=aa", "aaa-1|aab-2")]
    [InlineData("./xe vdi-param-get uuid=b", "b-3")]
    [InlineData("./xe vdi-create sr-uuid=", "sr-1")]
    [InlineData("./xe vm-start vm=w", @"web\ one|web2")]
    [InlineData("./xe vdi-import filename=di", "disk.img")]
    [InlineData("./xe vdi-import format=", "raw|vhd|qcow2")]
    [InlineData("./xe vdi-list params=", "all|uuid|name-label|sm-config|tags")]
    [InlineData("./xe vdi-list params=uuid,n", "uuid,name-label")]
    [InlineData("./xe vdi-param-get param-name=na", "name-label")]
    [InlineData("./xe -p ", "")]
    public void A_line_is_completed(string line, string words) => Complete(line).Should().Be(words);

    [SkippableFact]
    public void The_server_of_the_line_is_asked()
    {
        Complete("./xe -s h -p 81 vdi-import server=x uuid=a");
        File.ReadAllLines(_directory.File("asked")).Should().AllSatisfy(line => line.Should().StartWith("-s h -p 81 server=x "));
    }

    private string Complete(string line)
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "XapiCompat.sln")))
            root = Path.GetDirectoryName(root)!;
        var script = $"""
            cd '{_directory.Path}' && . '{root}/scripts/xe-completion.bash' || exit
            COMP_LINE='{line}' COMP_POINT={line.Length} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:' COMP_WORDS=(./xe)
            _xe
            printf '%s\n' "$COMPREPLY" "{"${COMPREPLY[@]:1}"}" | sed '/^$/d'
            """;
        return string.Join('|', RequiredTool.Run(RequiredTool.Find("bash"), "-c", script).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
