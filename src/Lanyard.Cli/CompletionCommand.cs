using System.CommandLine;

namespace Lanyard.Cli;

/// <summary><c>lanyard completion</c>: prints shell completion scripts, which call the hidden command <c>complete</c>.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _lanyard() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" complete "$COMP_POINT" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
          [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -F _lanyard lanyard
        """;

    private const string Zsh = """
        #compdef lanyard
        _lanyard() {
          local -a found
          found=(${(f)"$(${words[1]} complete $CURSOR "$BUFFER" 2>/dev/null)"})
          if (( $#found )); then compadd -- $found; else _files; fi
        }
        compdef _lanyard lanyard
        """;

    private const string Fish = """
        complete -c lanyard -a '(lanyard complete (commandline -C) (commandline -cp | string collect) 2>/dev/null)'
        """;

    /// <summary>Creates the command that prints a script.</summary>
    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new CliCommand(
            "completion", "Print a completion script for bash, zsh or fish",
            examples: "source <(lanyard completion bash)\nlanyard completion zsh > \"${fpath[1]}/_lanyard\"\nlanyard completion fish > ~/.config/fish/completions/lanyard.fish") { shell };
        command.SetAction(result => result.InvocationConfiguration.Output.WriteLine(result.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish }));
        return command;
    }

    /// <summary>Creates the hidden command that lists the completions at a position of a command line.</summary>
    /// <param name="parse">Parses a command line.</param>
    public static Command CreateComplete(Func<string, ParseResult> parse)
    {
        var position = new Argument<int>("position");
        var line = new Argument<string>("line");
        var command = new CliCommand("complete", "List completions") { position, line };
        command.Hidden = true;
        command.SetAction(result =>
        {
            var (text, at) = (result.GetRequiredValue(line), result.GetRequiredValue(position));
            at = Math.Clamp(at, 0, text.Length);

            // The first word is the name or path of this program.
            var end = text.IndexOf(' ', StringComparison.Ordinal);
            if (end < 0 || end >= at)
                return;
            var rest = text[(end + 1)..at];
            foreach (var completion in parse(rest).GetCompletions(rest.Length))
                result.InvocationConfiguration.Output.WriteLine(completion.InsertText ?? completion.Label);
        });
        return command;
    }
}
